import { Button, Group, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useApi } from "@/api/context";
import { ApiError } from "@/api/errors";
import { t } from "@/i18n";
import { organizationReference } from "@/routing/references";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { OutsideCard } from "@/ui/OutsideCard";
import { LoadingRows } from "@/ui/Page";
import { Time } from "@/ui/Time";
import { invitationQuery, meQuery, type OpenedInvitation, type Organization, signOut } from "../api";
import { whyEnded } from "../model/invitations";
import { describeRole, nameOfRole } from "../model/roles";
import { GoToSignIn } from "./GoToSignIn";
import { JoinAsNew } from "./JoinAsNew";
import { JoinAsSignedIn } from "./JoinAsSignedIn";
import { SignInForm } from "./SignInForm";

const route = getRouteApi("/outside/invite/$token");

/** The page of an invitation's link: who invites to what, and the way in. */
export function InvitePage() {
  const { token } = route.useParams();
  const api = useApi();
  const invitation = useQuery({ ...invitationQuery(api, token), retry: false });
  const me = useQuery({ ...meQuery(api), retry: false });
  const ended = whyEnded(invitation.error);
  if (ended !== null) {
    return (
      <OutsideCard title={ended.title}>
        <Stack gap="md">
          <Text>{ended.text}</Text>
          {me.data ? (
            <Button component="a" href="/">
              {t("Go to your organization")}
            </Button>
          ) : (
            <GoToSignIn />
          )}
        </Stack>
      </OutsideCard>
    );
  }
  if (invitation.error) {
    return (
      <OutsideCard title={t("Invitation")} wide>
        <ErrorPanel error={invitation.error} onRetry={() => invitation.refetch()} />
      </OutsideCard>
    );
  }
  if (invitation.data === undefined || me.isPending) {
    return (
      <OutsideCard title={t("Invitation")}>
        <LoadingRows count={3} />
      </OutsideCard>
    );
  }
  return (
    <OutsideCard title={t("Join {organization}", { organization: invitation.data.organization })}>
      <Stack gap="md">
        <Invited invitation={invitation.data} />
        <WayIn token={token} invitation={invitation.data} email={me.data?.user.email ?? null} isIn={isIn(me.error)} />
      </Stack>
    </OutsideCard>
  );
}

/** Whether somebody is signed in who is not a member of any organization; then nothing tells who. */
function isIn(error: unknown): boolean {
  return error instanceof ApiError && error.code === "no_organization";
}

function Invited({ invitation }: { invitation: OpenedInvitation }) {
  const { invited_by, organization, role, expires_at } = invitation;
  return (
    <div>
      <Text>
        {invited_by === null
          ? t("You are invited to {organization} as {role}.", { organization, role: nameOfRole(role) })
          : t("{person} invites you to {organization} as {role}.", {
              person: invited_by,
              organization,
              role: nameOfRole(role),
            })}
      </Text>
      <Text size="sm" c="dimmed">
        {t("You may then {rights}.", { rights: describeRole(role) })} {t("The invitation ends")}{" "}
        <Time at={expires_at} />.
      </Text>
    </div>
  );
}

type WayInProps = { token: string; invitation: OpenedInvitation; email: string | null; isIn: boolean };

function WayIn({ token, invitation, email, isIn }: WayInProps) {
  const cache = useQueryClient();
  const navigate = useNavigate();
  const joined = async (organization: Organization) => {
    cache.clear();
    await navigate({ to: "/$org", params: { org: organizationReference(organization) }, replace: true });
  };
  const next = `/invite/${token}`;
  if (email !== null && invitation.email !== null && invitation.email !== email) {
    return (
      <>
        <Text>
          {t("It is for {invited} only, and you are signed in as {email}.", { invited: invitation.email, email })}
        </Text>
        <OtherAccount />
      </>
    );
  }
  if (email !== null || isIn) {
    return (
      <>
        <JoinAsSignedIn token={token} email={email} onJoined={joined} />
        <OtherAccount isQuiet />
      </>
    );
  }
  if (invitation.has_account === true) {
    return (
      <>
        <Text>{t("{email} has an account here. Sign in to join.", { email: invitation.email ?? "" })}</Text>
        <SignInForm email={invitation.email ?? ""} onSignedIn={() => cache.invalidateQueries({ queryKey: ["me"] })} />
      </>
    );
  }
  return (
    <>
      <JoinAsNew token={token} invitedEmail={invitation.email} onJoined={joined} />
      {invitation.email === null && (
        <Group gap="xs" justify="center">
          <Text size="sm" c="dimmed">
            {t("You have an account already?")}
          </Text>
          <GoToSignIn next={next} label={t("Sign in to join")} isQuiet />
        </Group>
      )}
    </>
  );
}

/** Signs out, so that the same link can be opened as somebody else. */
function OtherAccount({ isQuiet = false }: { isQuiet?: boolean }) {
  const api = useApi();
  const leaving = useMutation({ mutationFn: () => signOut(api), onSuccess: () => window.location.reload() });
  return (
    <>
      {leaving.error && <ErrorPanel error={leaving.error} />}
      <Button variant={isQuiet ? "subtle" : "filled"} loading={leaving.isPending} onClick={() => leaving.mutate()}>
        {t("Use another account")}
      </Button>
    </>
  );
}
