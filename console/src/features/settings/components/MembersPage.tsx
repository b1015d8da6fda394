import { Button, Text } from "@mantine/core";
import IconUserPlus from "@tabler/icons-react/icons/IconUserPlus";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useApi } from "@/api/context";
import { meQuery, nameOfRole } from "@/features/accounts";
import { t } from "@/i18n";
import { AsCode } from "@/ui/AsCode";
import { SettingsPage, SettingsSection } from "@/ui/SettingsPage";
import { useSettingsTabs } from "../model/tabs";
import { Invitations } from "./Invitations";
import { InviteModal } from "./InviteModal";
import { LeaveOrganization } from "./LeaveOrganization";
import { MemberList } from "./MemberList";

/** Who belongs to the organization, and who may join. */
export function MembersPage() {
  const tabs = useSettingsTabs();
  const me = useQuery(meQuery(useApi())).data;
  const [isInviting, setInviting] = useState(false);
  if (me === undefined) return null;
  const isOwner = me.role === "owner";
  return (
    <SettingsPage
      title={t("Members")}
      tabs={tabs}
      help="/help/reference/accounts"
      asCode={<AsCode reads={`/api/organizations/${me.organization.id}/members/`} />}
      actions={
        isOwner && (
          <Button leftSection={<IconUserPlus size={16} aria-hidden />} onClick={() => setInviting(true)}>
            {t("Invite")}
          </Button>
        )
      }
    >
      {!isOwner && (
        <Text c="dimmed">
          {t("Owners invite people and change roles. Your role is {role}: ask one of the owners below.", {
            role: nameOfRole(me.role),
          })}
        </Text>
      )}
      <MemberList me={me} />
      {isOwner && <Invitations />}
      <SettingsSection title={t("Leave the organization")}>
        <LeaveOrganization me={me} />
      </SettingsSection>
      {isInviting && <InviteModal onClose={() => setInviting(false)} />}
    </SettingsPage>
  );
}
