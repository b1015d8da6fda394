import { Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useApi, useOrganization } from "@/api/context";
import type { Organization } from "@/features/accounts";
import { t } from "@/i18n";
import { ConfirmModal } from "@/ui/ConfirmModal";
import { type Member, removeMember } from "../api";

type Props = { member: Member; organization: Organization; onClose: () => void };

/** Removes a member, after saying what that means. */
export function RemoveMember({ member, organization, onClose }: Props) {
  const api = useApi();
  const org = useOrganization();
  const cache = useQueryClient();
  const name = member.name || member.email;
  return (
    <ConfirmModal
      title={t("Remove {name}?", { name })}
      doLabel={t("Remove")}
      onClose={onClose}
      act={async () => {
        await removeMember(api, org, member.user_id);
        await Promise.all(
          ["members", "invitations", "tokens"].map((key) => cache.invalidateQueries({ queryKey: [key] })),
        );
      }}
    >
      <Text>
        {t(
          "{name} sees nothing of {organization} any more. Their tokens for it stop working at once and for good, and the invitations that they made end. What they built stays.",
          { name, organization: organization.name },
        )}
      </Text>
      <Text size="sm" c="dimmed">
        {t("You can invite them again later.")}
      </Text>
    </ConfirmModal>
  );
}
