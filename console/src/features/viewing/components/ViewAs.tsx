import { Button } from "@mantine/core";
import IconEye from "@tabler/icons-react/icons/IconEye";
import { useQuery } from "@tanstack/react-query";
import { useApi, useOrganization } from "@/api/context";
import { viewedIn, viewIn } from "@/api/viewing";
import { type Me, meQuery, type Role, roles } from "@/features/accounts";
import { t } from "@/i18n";

type Props = { me: Me; member: { user_id: number; name: string; email: string; role: Role } };

/** Shows this organization as one of its members sees it. Only whose rights one has oneself can be viewed. */
export function ViewAs({ me, member }: Props) {
  const org = useOrganization();
  if (me.role === "member" || roles.indexOf(me.role) > roles.indexOf(member.role)) return null;
  const name = member.name || member.email;
  return (
    <Button
      variant="default"
      size="xs"
      me="xs"
      aria-label={t("View as {name}", { name })}
      onClick={() => {
        viewIn(org, { target: String(member.user_id), name });
        // Everything is read anew: nothing that was read before may show through.
        window.location.assign(`/${org}`);
      }}
    >
      {t("View as")}
    </Button>
  );
}

/** Shows a table's rows as any member of the organization sees them; `rows` is their address. */
export function ViewAsMember({ rows }: { rows: string }) {
  const org = useOrganization();
  const me = useQuery(meQuery(useApi())).data;
  if (me === undefined || me.role === "member" || viewedIn(org) !== null) return null;
  return (
    <Button
      variant="subtle"
      size="compact-sm"
      ms="auto"
      leftSection={<IconEye size={16} aria-hidden />}
      onClick={() => {
        viewIn(org, { target: "member", name: t("a member") });
        // With its filter, if they are what is shown already.
        if (window.location.pathname === rows) window.location.reload();
        else window.location.assign(rows);
      }}
    >
      {t("View as member")}
    </Button>
  );
}
