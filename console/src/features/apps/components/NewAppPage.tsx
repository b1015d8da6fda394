import { Anchor, Box, Button, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useApi, useOrganization } from "@/api/context";
import { FromFilePage } from "@/features/imports";
import { t } from "@/i18n";
import { appReference } from "@/routing/references";
import { AsCode } from "@/ui/AsCode";
import { Form, useSubmit } from "@/ui/Form";
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
  const creating = useSubmit(
    form,
    (values) => createApp(api, values),
    async (app) => {
      await cache.invalidateQueries({ queryKey: ["apps"] });
      await navigate({ to: "/$org/$app", params: { org, app: appReference(app) } });
    },
  );
  return (
    <Page
      title={t("New app")}
      help="/help/local-development"
      asCode={<AsCode />}
      breadcrumb={<Anchor renderRoot={(props) => <Link to="/$org" params={{ org }} {...props} />}>{t("Apps")}</Anchor>}
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
      <Box maw="28rem">
        <Form
          form={form}
          submitting={creating}
          submitLabel={t("Create app")}
          more={
            <Button variant="default" renderRoot={(props) => <Link to="/$org" params={{ org }} {...props} />}>
              {t("Cancel")}
            </Button>
          }
        >
          <TextInput
            label={t("Name")}
            description={t("What people call it. Its address is made from the name.")}
            required
            withAsterisk={false}
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
        </Form>
      </Box>
    </Page>
  );
}
