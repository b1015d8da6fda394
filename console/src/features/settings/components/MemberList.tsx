import { Button, Table } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import type { Me } from "@/features/accounts";
import { t } from "@/i18n";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { MoreButton } from "@/ui/MoreButton";
import { LoadingRows } from "@/ui/Page";
import { SearchInput } from "@/ui/SearchInput";
import { SettingsSection } from "@/ui/SettingsPage";
import { type Member, membersQuery } from "../api";
import { MemberRow } from "./MemberRow";
import { RemoveMember } from "./RemoveMember";

const route = getRouteApi("/$org/settings/members");

/** The members, by name, with what an owner may do to each. */
export function MemberList({ me }: { me: Me }) {
  const org = useOrganization();
  const { q = "" } = route.useSearch();
  const navigate = useNavigate();
  const members = useInfiniteQuery(membersQuery(useApi(), org, q));
  const [leaving, setLeaving] = useState<Member | null>(null);
  const search = (text: string) =>
    navigate({
      to: "/$org/settings/members",
      params: { org },
      search: text === "" ? {} : { q: text },
      replace: true,
    });
  const found = members.data?.pages.flatMap((page) => page.results) ?? [];
  return (
    <SettingsSection
      title={t("Who belongs to {organization}", { organization: me.organization.name })}
      actions={<SearchInput label={t("Search members")} value={q} onSearch={search} />}
    >
      {members.isPending && <LoadingRows count={3} />}
      {members.error && <ErrorPanel error={members.error} onRetry={() => members.refetch()} />}
      {members.data && found.length === 0 && (
        <EmptyState
          title={t("No member matches “{search}”", { search: q })}
          action={
            <Button variant="default" onClick={() => search("")}>
              {t("Clear the search")}
            </Button>
          }
        />
      )}
      {found.length > 0 && (
        <Table aria-label={t("Members")}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">{t("Name")}</Table.Th>
              <Table.Th scope="col">{t("Role")}</Table.Th>
              <Table.Th scope="col" visibleFrom="sm">
                {t("Joined")}
              </Table.Th>
              <Table.Th scope="col" visibleFrom="sm">
                {t("Last seen")}
              </Table.Th>
              <Table.Td />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {found.map((member) => (
              <MemberRow key={member.user_id} member={member} me={me} onRemove={() => setLeaving(member)} />
            ))}
          </Table.Tbody>
        </Table>
      )}
      <MoreButton list={members} />
      {leaving && <RemoveMember member={leaving} organization={me.organization} onClose={() => setLeaving(null)} />}
    </SettingsSection>
  );
}
