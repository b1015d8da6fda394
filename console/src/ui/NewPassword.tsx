import { PasswordInput, type PasswordInputProps } from "@mantine/core";
import { t } from "@/i18n";

const minLength = 10;

/** Asks for a password that is to be. */
export function NewPassword(props: PasswordInputProps) {
  return (
    <PasswordInput
      label={t("Password")}
      description={t("At least {count} characters. A few words in a row are easy to remember.", { count: minLength })}
      autoComplete="new-password"
      required
      withAsterisk={false}
      maxLength={512}
      visibilityToggleButtonProps={{ "aria-label": t("Show or hide the password"), tabIndex: 0 }}
      {...props}
    />
  );
}

/** Says what is wrong with a new password; null when nothing is. */
export function faultOfPassword(password: string): string | null {
  // As the API counts: code points, not UTF-16 units.
  if ([...password].length >= minLength) return null;
  return t("Choose a password of at least {count} characters.", { count: minLength });
}
