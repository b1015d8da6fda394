import { PasswordInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useApi } from "@/api/context";
import { t } from "@/i18n";
import { Form, useSubmit } from "@/ui/Form";
import { signIn } from "../api";
import { EmailField } from "./PersonFields";

/** Asks for e-mail and password. `onSignedIn` is called once the browser has the sign-in. */
export function SignInForm({ email = "", onSignedIn }: { email?: string; onSignedIn: () => void }) {
  const api = useApi();
  const form = useForm({ mode: "uncontrolled", initialValues: { email, password: "" } });
  const signing = useSubmit(
    form,
    async (values) => {
      try {
        await signIn(api, values);
      } catch (error) {
        const password = form.getInputNode("password");
        if (password instanceof HTMLInputElement) password.select();
        throw error;
      }
    },
    onSignedIn,
  );
  // Attempts are limited per e-mail: another one may be tried at once.
  form.watch("email", () => signing.reset());
  return (
    <Form form={form} submitting={signing} submitLabel={t("Sign in")} fullWidth>
      <EmailField
        name="email"
        data-autofocus={email === "" || undefined}
        autoFocus={email === ""}
        // Who is known stays: what waits to be sent again must not be sent as somebody else.
        readOnly={email !== ""}
        key={form.key("email")}
        {...form.getInputProps("email")}
      />
      <PasswordInput
        label={t("Password")}
        name="password"
        autoComplete="current-password"
        required
        withAsterisk={false}
        autoFocus={email !== ""}
        visibilityToggleButtonProps={{ "aria-label": t("Show or hide the password"), tabIndex: 0 }}
        key={form.key("password")}
        {...form.getInputProps("password")}
      />
    </Form>
  );
}
