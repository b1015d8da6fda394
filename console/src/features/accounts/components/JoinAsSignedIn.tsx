import { Button, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useApi } from "@/api/context";
import { ApiError } from "@/api/errors";
import { t } from "@/i18n";
import { FormError } from "@/ui/FormError";
import { acceptInvitation, type Organization } from "../api";

type Props = { token: string; email: string | null; onJoined: (organization: Organization) => Promise<void> };

/** Joins as who is signed in. `email` is null when they have no organization, where nothing tells who they are. */
export function JoinAsSignedIn({ token, email, onJoined }: Props) {
  const api = useApi();
  const joining = useMutation({ mutationFn: () => acceptInvitation(api, token), onSuccess: onJoined });
  if (joining.error instanceof ApiError && joining.error.code === "already_member") {
    return (
      <Stack gap="sm">
        <Text role="alert">{t("You are a member of this organization already. The invitation stays unused.")}</Text>
        <Button component="a" href="/">
          {t("Go to your organization")}
        </Button>
      </Stack>
    );
  }
  return (
    <Stack gap="sm">
      <FormError error={joining.error} onRetryable={joining.reset} />
      <Button loading={joining.isPending} onClick={() => joining.mutate()}>
        {email === null ? t("Join") : t("Join as {email}", { email })}
      </Button>
    </Stack>
  );
}
