import { Button, Group, Stack, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useApi, useOrganization } from "@/api/context";
import { faultsOf } from "@/api/errors";
import { FromFilePage } from "@/features/imports";
import { t } from "@/i18n";
import { appReference } from "@/routing/references";
import { FormError } from "@/ui/FormError";
import { Page } from "@/ui/Page";
import { createApp } from "../api";

const route = getRouteApi("/$org/apps/new");

/** Makes an app: an empty one, or from a file. */
export function NewAppPage() {
  return route.useSearch().from === "file" ? <FromFilePage /> : <BlankAppPage />;
}

function BlankAppPage() {
  const org = useOrganization();
  const api = useApi();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { name: "", description: "" },
    validate: { name: (name) => (name.trim() === "" ? t("Give the app a name.") : null) },
  });
  const creating = useMutation({
    mutationFn: (values: { name: string; description: string }) => createApp(api, values),
    onSuccess: async (app) => {
      await cache.invalidateQueries({ queryKey: ["apps"] });
      await navigate({ to: "/$org/$app", params: { org, app: appReference(app) } });
    },
    onError: (error) => form.setErrors(faultsOf(error)),
  });
  return (
    <Page
      title={t("New app")}
      help="/help/local-development"
      asCode={null}
      breadcrumb={
        <Link to="/$org" params={{ org }}>
          {t("Apps")}
        </Link>
      }
      actions={
        <Button
          variant="default"
          renderRoot={(props) => <Link to="/$org/apps/new" params={{ org }} search={{ from: "file" }} {...props} />}
        >
          {t("From a file")}
        </Button>
      }
      width="reading"
    >
      <form onSubmit={form.onSubmit((values) => creating.mutate(values))} noValidate>
        <Stack gap="md" maw="28rem">
          <TextInput
            label={t("Name")}
            description={t("What people call it. Its address is made from the name.")}
            required
            maxLength={150}
            autoFocus
            key={form.key("name")}
            {...form.getInputProps("name")}
          />
          <Textarea
            label={t("Description")}
            autosize
            minRows={2}
            maxRows={6}
            key={form.key("description")}
            {...form.getInputProps("description")}
          />
          <FormError error={creating.error} />
          <Group>
            <Button type="submit" loading={creating.isPending}>
              {t("Create app")}
            </Button>
            <Button variant="default" renderRoot={(props) => <Link to="/$org" params={{ org }} {...props} />}>
              {t("Cancel")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Page>
  );
}
