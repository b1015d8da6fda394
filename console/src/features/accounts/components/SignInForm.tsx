import { Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { useApi } from "@/api/context";
import { t } from "@/i18n";
import { FormError } from "@/ui/FormError";
import { signIn } from "../api";

/** Asks for e-mail and password. `onSignedIn` is called once the browser has the sign-in. */
export function SignInForm({ email = "", onSignedIn }: { email?: string; onSignedIn: () => void }) {
  const api = useApi();
  const form = useForm({ mode: "uncontrolled", initialValues: { email, password: "" } });
  const signing = useMutation({
    mutationFn: (values: { email: string; password: string }) => signIn(api, values),
    onSuccess: onSignedIn,
    onError: () => document.querySelector<HTMLInputElement>('input[name="password"]')?.select(),
  });
  return (
    <form onSubmit={form.onSubmit((values) => signing.mutate(values))} noValidate>
      <Stack gap="sm">
        <TextInput
          label={t("E-mail")}
          name="email"
          type="email"
          autoComplete="username"
          required
          withAsterisk={false}
          data-autofocus={email === "" || undefined}
          autoFocus={email === ""}
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
        <FormError error={signing.error} />
        <Button type="submit" loading={signing.isPending} fullWidth>
          {t("Sign in")}
        </Button>
      </Stack>
    </form>
  );
}
