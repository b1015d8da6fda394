import { Modal, Text } from "@mantine/core";
import { useEffect, useState } from "react";
import { ActingIn } from "@/api/context";
import { onSignInNeeded, signedInAgain } from "@/api/session";
import { SignInForm } from "@/features/accounts";
import { t } from "@/i18n";

/** Asks for the password over the page when the sign-in has ended; what is on the page stays as it is. */
export function SignInAgain({ email }: { email: string }) {
  const [isNeeded, setNeeded] = useState(false);
  useEffect(() => onSignInNeeded(setNeeded), []);
  return (
    <Modal
      opened={isNeeded}
      onClose={() => undefined}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      title={t("Your sign-in has ended")}
    >
      <Text size="sm" mb="sm">
        {t("Sign in to go on. Nothing that you typed is lost.")}
      </Text>
      <ActingIn organization={null}>
        <SignInForm email={email} onSignedIn={signedInAgain} />
      </ActingIn>
    </Modal>
  );
}
