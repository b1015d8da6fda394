import { Badge, Button, NativeSelect, Table, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { type Me, nameOfRole, type Role, roles } from "@/features/accounts";
import { ViewAs } from "@/features/viewing";
import { t } from "@/i18n";
import { ConfirmModal } from "@/ui/ConfirmModal";
import { FormError } from "@/ui/FormError";
import { Time } from "@/ui/Time";
import { changeRole, type Member } from "../api";
import classes from "./Settings.module.css";

/** One member. A role changes when the API has changed it, not before. */
export function MemberRow({ member, me, onRemove }: { member: Member; me: Me; onRemove: () => void }) {
  const api = useApi();
  const org = useOrganization();
  const cache = useQueryClient();
  const [wished, setWished] = useState<Role | null>(null);
  const isMe = member.user_id === me.user.id;
  const isOwner = me.role === "owner";
  const name = member.name || member.email;
  const refresh = async () => {
    await cache.invalidateQueries({ queryKey: ["members"] });
    if (isMe) await cache.invalidateQueries({ queryKey: ["me"] });
  };
  const change = async (role: Role) => {
    await changeRole(api, org, member.user_id, role);
    await refresh();
  };
  const changing = useMutation({ mutationFn: change });
  // Who gives away their own ownership cannot take it back.
  const choose = (role: Role) => (isMe ? setWished(role) : changing.mutate(role));
  return (
    <Table.Tr>
      <Table.Td>
        <bdi className={classes.name}>{name}</bdi>{" "}
        {isMe && (
          <Badge variant="outline" tt="none">
            {t("You")}
          </Badge>
        )}
        {member.name !== "" && (
          <Text size="sm" c="dimmed">
            {member.email}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        {isOwner ? (
          <>
            <NativeSelect
              miw="7rem"
              aria-label={t("Role of {name}", { name })}
              value={changing.isPending ? changing.variables : member.role}
              disabled={changing.isPending}
              data={roles.map((role) => ({ value: role, label: nameOfRole(role) }))}
              onChange={(event) => {
                const role = roles.find((one) => one === event.currentTarget.value);
                if (role !== undefined) choose(role);
              }}
            />
            <FormError error={changing.error} onRetryable={changing.reset} />
          </>
        ) : (
          nameOfRole(member.role)
        )}
      </Table.Td>
      <Table.Td visibleFrom="sm">
        <Time at={member.created_at} />
      </Table.Td>
      <Table.Td visibleFrom="sm">
        {member.last_seen_at === null ? (
          <Text c="dimmed" component="span">
            {t("not yet")}
          </Text>
        ) : (
          <Time at={member.last_seen_at} />
        )}
      </Table.Td>
      <Table.Td ta="end">
        {!isMe && <ViewAs me={me} member={member} />}
        {isOwner && !isMe && (
          <Button variant="default" size="xs" onClick={onRemove} aria-label={t("Remove {name}", { name })}>
            {t("Remove")}
          </Button>
        )}
        {wished !== null && (
          <ConfirmModal
            title={t("Give up being an owner?")}
            doLabel={t("Become {role}", { role: nameOfRole(wished) })}
            act={() => change(wished)}
            onClose={() => setWished(null)}
          >
            <Text>
              {t(
                "You will not manage members and tokens any more, and the invitations that you made end. Only another owner can make you one again.",
              )}
            </Text>
          </ConfirmModal>
        )}
      </Table.Td>
    </Table.Tr>
  );
}
