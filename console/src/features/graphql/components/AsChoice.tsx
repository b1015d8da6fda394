import { Group, Select, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useApi, useOrganization } from "@/api/context";
import type { As } from "@/api/viewing";
import { viewedIn } from "@/api/viewing";
import { type Me, nameOfRole, roles } from "@/features/accounts";
import { membersQuery } from "@/features/settings";
import { t } from "@/i18n";

type Props = { me: Me; as: As; onChoose: (as: As) => void };

/** Chooses with whose rights queries run: one's own, or those of a role or member that include no more. */
export function AsChoice({ me, as, onChoose }: Props) {
  const isViewing = viewedIn(useOrganization()) !== null;
  if (me.role === "member" || isViewing) return <span>{t("as {name}", { name: me.user.name || me.user.email })}</span>;
  return <Choice me={me} as={as} onChoose={onChoose} />;
}

function Choice({ me, as, onChoose }: Props) {
  const members = useInfiniteQuery(membersQuery(useApi(), useOrganization(), "")).data?.pages[0]?.results ?? [];
  const isWithin = (role: Me["role"]) => roles.indexOf(role) >= roles.indexOf(me.role);
  const others = members.filter((member) => member.user_id !== me.user.id && isWithin(member.role));
  return (
    <Group gap="xs" wrap="nowrap">
      <Text size="sm">{t("as")}</Text>
      <Select
        size="xs"
        w={180}
        aria-label={t("With whose rights")}
        searchable
        allowDeselect={false}
        value={as ?? "me"}
        onChange={(value) => onChoose(value === "me" ? null : value)}
        data={[
          { value: "me", label: t("{name} (you)", { name: me.user.name || me.user.email }) },
          {
            group: t("Roles"),
            items: roles.filter(isWithin).map((role) => ({ value: role, label: nameOfRole(role) })),
          },
          {
            group: t("Members"),
            items: others.map(({ user_id, name, email }) => ({ value: String(user_id), label: name || email })),
          },
        ]}
      />
      {as !== null && (
        <Text size="sm" c="dimmed">
          {t("reads only")}
        </Text>
      )}
    </Group>
  );
}
