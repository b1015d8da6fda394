import { Button, Table, Text } from "@mantine/core";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { nameOfRole } from "@/features/accounts";
import { t } from "@/i18n";
import { ConfirmModal } from "@/ui/ConfirmModal";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { MoreButton } from "@/ui/MoreButton";
import { LoadingRows } from "@/ui/Page";
import { SettingsSection } from "@/ui/SettingsPage";
import { Time } from "@/ui/Time";
import { type Invitation, pendingInvitationsQuery, revokeInvitation } from "../api";
import classes from "./Settings.module.css";

/** The invitations that somebody can still accept. */
export function Invitations() {
  const api = useApi();
  const org = useOrganization();
  const cache = useQueryClient();
  const invitations = useInfiniteQuery(pendingInvitationsQuery(api, org));
  const [revoking, setRevoking] = useState<Invitation | null>(null);
  const pending = invitations.data?.pages.flatMap((page) => page.results) ?? [];
  return (
    <SettingsSection
      title={t("Pending invitations")}
      description={t("Each lets one person in. The link itself was shown when it was made.")}
    >
      {invitations.isPending && <LoadingRows count={2} />}
      {invitations.error && <ErrorPanel error={invitations.error} onRetry={() => invitations.refetch()} />}
      {invitations.data && pending.length === 0 && <Text c="dimmed">{t("Nobody is invited at the moment.")}</Text>}
      {pending.length > 0 && (
        <Table aria-label={t("Pending invitations")}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">{t("For")}</Table.Th>
              <Table.Th scope="col">{t("Role")}</Table.Th>
              <Table.Th scope="col" visibleFrom="sm">
                {t("Made")}
              </Table.Th>
              <Table.Th scope="col">{t("Ends")}</Table.Th>
              <Table.Td />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {pending.map((invitation) => (
              <Table.Tr key={invitation.id}>
                <Table.Td className={classes.long}>{nameOf(invitation)}</Table.Td>
                <Table.Td>{nameOfRole(invitation.role)}</Table.Td>
                <Table.Td visibleFrom="sm">
                  <Time at={invitation.created_at} />
                </Table.Td>
                <Table.Td>
                  <Time at={invitation.expires_at} />
                </Table.Td>
                <Table.Td ta="end">
                  <Button
                    variant="default"
                    size="xs"
                    aria-label={t("Revoke the invitation for {who}", { who: nameOf(invitation) })}
                    onClick={() => setRevoking(invitation)}
                  >
                    {t("Revoke")}
                  </Button>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      <MoreButton list={invitations} />
      {revoking && (
        <ConfirmModal
          title={t("Revoke this invitation?")}
          doLabel={t("Revoke")}
          onClose={() => setRevoking(null)}
          act={async () => {
            await revokeInvitation(api, org, revoking.id);
            await cache.invalidateQueries({ queryKey: ["invitations"] });
          }}
        >
          <Text>{t("Its link lets nobody in any more, and says that it was withdrawn.")}</Text>
        </ConfirmModal>
      )}
    </SettingsSection>
  );
}

function nameOf(invitation: Invitation): string {
  return invitation.email ?? t("whoever has the link");
}
