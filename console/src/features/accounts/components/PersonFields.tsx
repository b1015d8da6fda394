import { TextInput, type TextInputProps } from "@mantine/core";
import { t } from "@/i18n";

/** How a person is called. */
export function NameField(props: TextInputProps) {
  return (
    <TextInput label={t("Your name")} autoComplete="name" required withAsterisk={false} maxLength={150} {...props} />
  );
}

/** The e-mail with which a person signs in. */
export function EmailField(props: TextInputProps) {
  return (
    <TextInput
      label={t("E-mail")}
      type="email"
      autoComplete="username"
      required
      withAsterisk={false}
      maxLength={254}
      {...props}
    />
  );
}
