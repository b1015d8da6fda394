import { Anchor, Stack, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useApi } from "@/api/context";
import { ApiError } from "@/api/errors";
import { t } from "@/i18n";
import { Form, useSubmit } from "@/ui/Form";
import { faultOfPassword, NewPassword } from "@/ui/NewPassword";
import { OutsideCard } from "@/ui/OutsideCard";
import { confirmReset } from "../api";
import { GoToSignIn } from "./GoToSignIn";

const route = getRouteApi("/outside/reset-password");

/** Sets a new password with the link of a mail. */
export function ResetPasswordPage() {
  const { token } = route.useSearch();
  const api = useApi();
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { password: "" },
    validate: { password: faultOfPassword },
  });
  const setting = useSubmit(
    form,
    ({ password }) => confirmReset(api, { token, password }),
    () => undefined,
  );
  if (setting.isSuccess) {
    return (
      <OutsideCard title={t("Your new password is set")}>
        <Stack gap="md">
          <Text role="status">{t("You have been signed out everywhere. Sign in with the new password.")}</Text>
          <GoToSignIn />
        </Stack>
      </OutsideCard>
    );
  }
  if (token === "" || (setting.error instanceof ApiError && setting.error.code === "reset_link_invalid")) {
    return (
      <OutsideCard title={t("This link does not work any more")}>
        <Stack gap="md">
          <Text role="alert">
            {t("A link to set a new password works once, for 30 minutes, and ends when the password is changed.")}
          </Text>
          <Anchor renderRoot={(props) => <Link to="/forgot-password" {...props} />}>{t("Ask for a new link")}</Anchor>
        </Stack>
      </OutsideCard>
    );
  }
  return (
    <OutsideCard title={t("Set a new password")}>
      <Form form={form} submitting={setting} submitLabel={t("Set the password")} fullWidth>
        <Text size="sm" c="dimmed">
          {t("This signs you out everywhere, so that nobody who knew the old one stays in.")}
        </Text>
        <NewPassword
          label={t("New password")}
          autoFocus
          key={form.key("password")}
          {...form.getInputProps("password")}
        />
      </Form>
    </OutsideCard>
  );
}
