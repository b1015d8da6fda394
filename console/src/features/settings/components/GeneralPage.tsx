import { TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { notifications } from "@mantine/notifications";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useApi, useOrganization } from "@/api/context";
import { type Me, meQuery, missing, nameOfRole } from "@/features/accounts";
import { t } from "@/i18n";
import { AsCode } from "@/ui/AsCode";
import { Form, useSubmit } from "@/ui/Form";
import { SettingsPage, SettingsSection } from "@/ui/SettingsPage";
import { renameOrganization } from "../api";
import { useSettingsTabs } from "../model/tabs";
import classes from "./Settings.module.css";

/** What the organization is called. */
export function GeneralPage() {
  const tabs = useSettingsTabs();
  const me = useQuery(meQuery(useApi())).data;
  if (me === undefined) return null;
  return (
    <SettingsPage title={t("General")} tabs={tabs} help="/help/reference/accounts" asCode={<AsCode reads="/api/me/" />}>
      <SettingsSection
        title={t("Organization")}
        description={
          me.role === "owner"
            ? undefined
            : t("Owners rename the organization. Your role is {role}.", { role: nameOfRole(me.role) })
        }
      >
        <div className={classes.fields}>
          {me.role === "owner" ? (
            <NameForm me={me} />
          ) : (
            <TextInput label={t("Name")} value={me.organization.name} readOnly />
          )}
        </div>
        <div className={classes.fields}>
          <TextInput
            label={t("Slug")}
            description={t("Part of every address and of scripts: changing it would break links, so it stays.")}
            value={me.organization.slug}
            readOnly
          />
        </div>
      </SettingsSection>
    </SettingsPage>
  );
}

function NameForm({ me }: { me: Me }) {
  const api = useApi();
  const org = useOrganization();
  const cache = useQueryClient();
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { name: me.organization.name },
    validate: { name: (name) => missing(name, t("Give your organization a name.")) },
  });
  const saving = useSubmit(
    form,
    (values) => renameOrganization(api, org, values),
    async () => {
      await Promise.all(["me", "organizations"].map((key) => cache.invalidateQueries({ queryKey: [key] })));
      notifications.show({ message: t("The name is saved.") });
    },
  );
  return (
    <Form form={form} submitting={saving} submitLabel={t("Save")}>
      <TextInput
        label={t("Name")}
        required
        withAsterisk={false}
        maxLength={150}
        key={form.key("name")}
        {...form.getInputProps("name")}
      />
    </Form>
  );
}
