import { PasswordInput, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { useApi } from "@/api/context";
import { t } from "@/i18n";
import { Form, useSubmit } from "@/ui/Form";
import { faultOfPassword, NewPassword } from "@/ui/NewPassword";
import { SettingsSection } from "@/ui/SettingsPage";
import { changePassword } from "../api";
import { missing } from "../model/faults";
import classes from "./Account.module.css";

/** Changes the password of who is signed in. */
export function OwnPassword({ email }: { email: string }) {
  const api = useApi();
  const cache = useQueryClient();
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { current_password: "", new_password: "" },
    validate: {
      current_password: (password) => missing(password, t("Write the password that you have now.")),
      new_password: faultOfPassword,
    },
  });
  const changing = useSubmit(
    form,
    (values) => changePassword(api, values),
    async () => {
      form.reset();
      await cache.invalidateQueries({ queryKey: ["sign-ins"] });
    },
  );
  return (
    <SettingsSection
      title={t("Password")}
      description={t("Changing it ends your sign-ins in all other browsers. This one stays, and so do your tokens.")}
    >
      <div className={classes.fields}>
        <Form form={form} submitting={changing} submitLabel={t("Change the password")}>
          {/* For password managers, which want to know whose password it is. */}
          <input type="hidden" name="username" autoComplete="username" value={email} />
          <PasswordInput
            label={t("Current password")}
            autoComplete="current-password"
            required
            withAsterisk={false}
            visibilityToggleButtonProps={{ "aria-label": t("Show or hide the password"), tabIndex: 0 }}
            key={form.key("current_password")}
            {...form.getInputProps("current_password")}
          />
          <NewPassword
            label={t("New password")}
            key={form.key("new_password")}
            {...form.getInputProps("new_password")}
          />
        </Form>
        <div role="status">
          {changing.isSuccess && (
            <Text size="sm" mt="xs">
              {t("Your password is changed, and your other sign-ins have ended.")}
            </Text>
          )}
        </div>
      </div>
    </SettingsSection>
  );
}
