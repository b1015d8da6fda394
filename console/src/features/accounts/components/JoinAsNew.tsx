import { useForm } from "@mantine/form";
import { useApi } from "@/api/context";
import { ApiError } from "@/api/errors";
import { t } from "@/i18n";
import { Form, useSubmit } from "@/ui/Form";
import { faultOfPassword, NewPassword } from "@/ui/NewPassword";
import { acceptInvitation, type Organization } from "../api";
import { missing, missingEmail } from "../model/faults";
import { GoToSignIn } from "./GoToSignIn";
import { EmailField, NameField } from "./PersonFields";

type Props = {
  token: string;
  /** The only e-mail that may join; null: any. */
  invitedEmail: string | null;
  onJoined: (organization: Organization) => Promise<void>;
};

/** Makes an account and joins with it. */
export function JoinAsNew({ token, invitedEmail, onJoined }: Props) {
  const api = useApi();
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { name: "", email: invitedEmail ?? "", password: "" },
    validate: {
      name: (name) => missing(name, t("Say how others should call you.")),
      email: missingEmail,
      password: faultOfPassword,
    },
  });
  const joining = useSubmit(form, (values) => acceptInvitation(api, token, values), onJoined);
  const hasAccount = joining.error instanceof ApiError && joining.error.code === "email_has_account";
  return (
    <Form
      form={form}
      submitting={joining}
      submitLabel={t("Create an account and join")}
      fullWidth
      more={hasAccount && <GoToSignIn next={`/invite/${token}`} label={t("Sign in to join")} />}
    >
      <NameField autoFocus key={form.key("name")} {...form.getInputProps("name")} />
      <EmailField
        description={invitedEmail === null ? undefined : t("The invitation is for this address.")}
        readOnly={invitedEmail !== null}
        key={form.key("email")}
        {...form.getInputProps("email")}
      />
      <NewPassword key={form.key("password")} {...form.getInputProps("password")} />
    </Form>
  );
}
