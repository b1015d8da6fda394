import { Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useApi } from "@/api/context";
import { t } from "@/i18n";
import { organizationReference } from "@/routing/references";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { Form, useSubmit } from "@/ui/Form";
import { faultOfPassword, NewPassword } from "@/ui/NewPassword";
import { OutsideCard } from "@/ui/OutsideCard";
import { LoadingRows } from "@/ui/Page";
import { setUp, setUpQuery } from "../api";
import { missing, missingEmail } from "../model/faults";
import { GoToSignIn } from "./GoToSignIn";
import { EmailField, NameField } from "./PersonFields";
import { WhereTheLinkIs } from "./WhereTheLinkIs";

const route = getRouteApi("/outside/set-up");

/** The first page of a fresh installation: who runs it, and their organization. */
export function SetUpPage() {
  const { code } = route.useSearch();
  const installation = useQuery(setUpQuery(useApi()));
  if (installation.data?.is_needed === false) {
    return (
      <OutsideCard title={t("This installation is set up already")}>
        <Stack gap="md">
          <Text>{t("Sign in, or ask an owner of your organization for an invitation.")}</Text>
          <GoToSignIn />
        </Stack>
      </OutsideCard>
    );
  }
  return (
    <OutsideCard title={t("Set up automio")}>
      {installation.isPending && <LoadingRows count={4} />}
      {installation.error && <ErrorPanel error={installation.error} onRetry={() => installation.refetch()} />}
      {installation.data && (code === "" ? <WhereTheLinkIs /> : <SetUpForm code={code} />)}
    </OutsideCard>
  );
}

function SetUpForm({ code }: { code: string }) {
  const api = useApi();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { name: "", email: "", password: "", organization: "" },
    validate: {
      name: (name) => missing(name, t("Say how others should call you.")),
      email: missingEmail,
      password: faultOfPassword,
      organization: (name) => missing(name, t("Give your organization a name.")),
    },
  });
  const setting = useSubmit(
    form,
    (values) => setUp(api, { ...values, code }),
    async (me) => {
      cache.clear();
      await navigate({ to: "/$org", params: { org: organizationReference(me.organization) }, replace: true });
    },
  );
  return (
    <Form form={form} submitting={setting} submitLabel={t("Set up")} fullWidth>
      <Text size="sm" c="dimmed">
        {t("You become the owner of the first organization, and run this installation.")}
      </Text>
      <NameField autoFocus key={form.key("name")} {...form.getInputProps("name")} />
      <EmailField key={form.key("email")} {...form.getInputProps("email")} />
      <NewPassword key={form.key("password")} {...form.getInputProps("password")} />
      <TextInput
        label={t("Organization")}
        description={t("Your company or team. It can be renamed.")}
        autoComplete="organization"
        required
        withAsterisk={false}
        maxLength={150}
        key={form.key("organization")}
        {...form.getInputProps("organization")}
      />
    </Form>
  );
}
