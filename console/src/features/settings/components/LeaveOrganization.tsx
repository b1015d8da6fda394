import { Button, Group, Text } from "@mantine/core";
import { useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import type { Me } from "@/features/accounts";
import { t } from "@/i18n";
import { ConfirmModal } from "@/ui/ConfirmModal";
import { leaveOrganization } from "../api";

/** Leaves the organization, after saying what that means. */
export function LeaveOrganization({ me }: { me: Me }) {
  const api = useApi();
  const org = useOrganization();
  const [isAsking, setAsking] = useState(false);
  return (
    <Group justify="space-between">
      <Text c="dimmed" size="sm">
        {t("The last owner cannot leave; make somebody else an owner first.")}
      </Text>
      <Button variant="default" onClick={() => setAsking(true)}>
        {t("Leave …")}
      </Button>
      {isAsking && (
        <ConfirmModal
          title={t("Leave {organization}?", { organization: me.organization.name })}
          doLabel={t("Leave")}
          onClose={() => setAsking(false)}
          act={async () => {
            await leaveOrganization(api, org);
            // A new document: nothing of the organization stays in memory.
            window.location.assign("/");
          }}
        >
          <Text>
            {t(
              "You see nothing of it any more. Your tokens for it stop working at once and for good. To come back you need an invitation.",
            )}
          </Text>
        </ConfirmModal>
      )}
    </Group>
  );
}
