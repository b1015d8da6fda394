import { Checkbox, Modal, NativeSelect, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useApi } from "@/api/context";
import type { Organization } from "@/features/accounts";
import { appsQuery } from "@/features/apps";
import { t } from "@/i18n";
import { ClientInstallation } from "@/ui/ClientInstallation";
import { Form, useSubmit } from "@/ui/Form";
import { ShownOnce } from "@/ui/ShownOnce";
import { createToken, type NewToken, type Scope } from "../api";
import { describeScope, envBlock, scopes } from "../model/tokens";

const lifetimes = [30, 90, 365] as const;
const dayLength = 86_400_000;

/** Makes a token, then shows it once. */
export function NewTokenModal({ organization, onClose }: { organization: Organization; onClose: () => void }) {
  const [made, setMade] = useState<{ token: NewToken; settings: string } | null>(null);
  return (
    <Modal
      opened
      onClose={onClose}
      title={made === null ? t("New token") : t("The token is made")}
      size="lg"
      closeOnClickOutside={made === null}
    >
      {made === null ? (
        <TokenForm
          onMade={(token) => setMade({ token, settings: envBlock(token, window.location.origin, organization) })}
        />
      ) : (
        <Stack gap="lg">
          <ShownOnce
            secret={made.settings}
            label={t("Settings for .env")}
            copyLabel={t("Copy the settings")}
            onClose={onClose}
          >
            {t("Put these lines into the file .env beside your scripts. The token is shown only now.")}
          </ShownOnce>
          <ClientInstallation />
        </Stack>
      )}
    </Modal>
  );
}

function TokenForm({ onMade }: { onMade: (token: NewToken) => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const apps = useQuery(appsQuery(api)).data?.results ?? [];
  const form = useForm<{ name: string; scopes: Scope[]; app: string; days: string }>({
    mode: "uncontrolled",
    initialValues: { name: "", scopes: ["data", "run", "build"], app: "", days: "90" },
    validate: {
      name: (name) => (name.trim() === "" ? t("Say what the token is for, so that you know later.") : null),
      scopes: (chosen) => (chosen.length === 0 ? t("Choose at least one thing that the token may do.") : null),
    },
  });
  const creating = useSubmit(
    form,
    (values) =>
      createToken(api, {
        name: values.name,
        scopes: values.scopes,
        app: values.app === "" ? null : Number(values.app),
        expires_at: values.days === "" ? null : new Date(Date.now() + Number(values.days) * dayLength).toISOString(),
      }),
    async (token) => {
      onMade(token);
      await cache.invalidateQueries({ queryKey: ["tokens"] });
    },
  );
  return (
    <Form form={form} submitting={creating} submitLabel={t("Make the token")}>
      <TextInput
        label={t("Name")}
        description={t("What it is for, such as “nightly import”.")}
        required
        withAsterisk={false}
        maxLength={150}
        data-autofocus
        key={form.key("name")}
        {...form.getInputProps("name")}
      />
      <Checkbox.Group label={t("It may")} key={form.key("scopes")} {...form.getInputProps("scopes")}>
        <Stack gap="xs" mt={4}>
          {scopes.map((scope) => (
            <Checkbox key={scope} value={scope} label={scope} description={describeScope(scope)} />
          ))}
        </Stack>
      </Checkbox.Group>
      <NativeSelect
        label={t("App")}
        data={[
          { value: "", label: t("All apps that you may use") },
          ...apps.map((app) => ({ value: String(app.id), label: app.name })),
        ]}
        key={form.key("app")}
        {...form.getInputProps("app")}
      />
      <NativeSelect
        label={t("Ends after")}
        data={[
          ...lifetimes.map((count) => ({ value: String(count), label: t("{count} days", { count }) })),
          { value: "", label: t("Never: until it is revoked") },
        ]}
        key={form.key("days")}
        {...form.getInputProps("days")}
      />
    </Form>
  );
}
