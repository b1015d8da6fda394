import { TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { useApi } from "@/api/context";
import { t } from "@/i18n";
import { Form, useSubmit } from "@/ui/Form";
import { SettingsSection } from "@/ui/SettingsPage";
import { changeName, type Me } from "../api";
import { missing } from "../model/faults";
import classes from "./Account.module.css";
import { NameField } from "./PersonFields";

/** Name and e-mail of who is signed in. */
export function OwnProfile({ me }: { me: Me }) {
  const api = useApi();
  const cache = useQueryClient();
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { name: me.user.name },
    validate: { name: (name) => missing(name, t("Say how others should call you.")) },
  });
  const saving = useSubmit(
    form,
    (values) => changeName(api, values),
    (changed) => {
      cache.setQueryData(["me"], changed);
      notifications.show({ message: t("Your name is saved.") });
    },
  );
  return (
    <SettingsSection title={t("Who you are")}>
      <div className={classes.fields}>
        <Form form={form} submitting={saving} submitLabel={t("Save")}>
          <NameField
            label={t("Name")}
            description={t("Members of your organizations see it.")}
            key={form.key("name")}
            {...form.getInputProps("name")}
          />
          <TextInput
            label={t("E-mail")}
            description={t("You sign in with it. It cannot be changed.")}
            value={me.user.email}
            readOnly
          />
        </Form>
      </div>
    </SettingsSection>
  );
}
