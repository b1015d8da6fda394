import { Anchor, Stack, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { Link } from "@tanstack/react-router";
import { useApi } from "@/api/context";
import { t } from "@/i18n";
import { Form, useSubmit } from "@/ui/Form";
import { OutsideCard } from "@/ui/OutsideCard";
import { requestReset } from "../api";
import { missingEmail } from "../model/faults";
import { EmailField } from "./PersonFields";

/** Asks for a mail with a link to set a new password. Says the same whether the address has an account or not. */
export function ForgotPasswordPage() {
  const api = useApi();
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { email: "" },
    validate: { email: missingEmail },
  });
  const asking = useSubmit(
    form,
    (values) => requestReset(api, values),
    () => undefined,
  );
  return (
    <OutsideCard title={t("Forgot your password?")}>
      <Stack gap="md">
        {asking.isSuccess ? (
          <Text role="status">
            {t(
              "If {email} has an account here, a mail with a link is on its way. The link works once, for 30 minutes. Nothing came? Look among the spam, and check the address.",
              { email: asking.variables.email.trim() },
            )}
          </Text>
        ) : (
          <Form form={form} submitting={asking} submitLabel={t("Send a link")} fullWidth>
            <EmailField autoFocus key={form.key("email")} {...form.getInputProps("email")} />
          </Form>
        )}
        <Anchor size="sm" ta="center" renderRoot={(props) => <Link to="/sign-in" search={{ next: "/" }} {...props} />}>
          {t("Back to the sign-in")}
        </Anchor>
      </Stack>
    </OutsideCard>
  );
}
