import { Anchor, Button, Table, Text } from "@mantine/core";
import IconPlus from "@tabler/icons-react/icons/IconPlus";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { meQuery } from "@/features/accounts";
import { useLiveTables } from "@/features/schema";
import { t } from "@/i18n";
import { appRoute } from "@/routing/routes";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { MoreButton } from "@/ui/MoreButton";
import { LoadingRows, Page } from "@/ui/Page";
import { SearchInput } from "@/ui/SearchInput";
import { Time } from "@/ui/Time";
import { number } from "@/ui/time";
import { tableListQuery, tagsQuery } from "../api";
import { TableTags } from "./TableTags";

/** Lists the tables of an app, part by part: 10,000 open as quickly as ten. */
export function TablesPage() {
  const { app } = appRoute.useParams();
  const api = useApi();
  const org = useOrganization();
  const role = useQuery(meQuery(api)).data?.role;
  useLiveTables(app);
  const [search, setSearch] = useState("");
  const tables = useInfiniteQuery({ ...tableListQuery(api, app, search), placeholderData: keepPreviousData });
  const tags = useQuery(tagsQuery(api, app));
  const found = tables.data?.pages.flatMap((page) => page.tables) ?? [];
  const isEmpty = tables.data !== undefined && !tables.isPlaceholderData && found.length === 0;
  return (
    <Page
      title={t("Tables")}
      help="/help/tables"
      asCode={null}
      actions={
        (role === "owner" || role === "builder") && (
          <Button
            leftSection={<IconPlus size={16} aria-hidden />}
            renderRoot={(props) => <Link to="/$org/$app/tables/new-table" params={{ org, app }} {...props} />}
          >
            {t("New table")}
          </Button>
        )
      }
      toolbar={<SearchInput label={t("Search tables")} value={search} onSearch={setSearch} />}
    >
      {tables.isPending && <LoadingRows />}
      {tables.error && <ErrorPanel error={tables.error} onRetry={() => tables.refetch()} />}
      {isEmpty && search === "" && (
        <EmptyState title={t("No tables yet")}>
          {t("A table holds the rows that people and actions of this app work on.")}
        </EmptyState>
      )}
      {isEmpty && search !== "" && (
        <EmptyState
          title={t("No table matches “{search}”", { search })}
          action={
            <Button variant="default" onClick={() => setSearch("")}>
              {t("Clear the search")}
            </Button>
          }
        />
      )}
      {found.length > 0 && (
        <Table.ScrollContainer minWidth={480}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("Name")}</Table.Th>
                <Table.Th>{t("Tags")}</Table.Th>
                <Table.Th>{t("Columns")}</Table.Th>
                <Table.Th>{t("Leads to")}</Table.Th>
                <Table.Th>{t("Changed")}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {found.map((table) => (
                <Table.Tr key={table.id}>
                  <Table.Td>
                    <Anchor
                      renderRoot={(props) => (
                        <Link to="/$org/$app/tables/$table" params={{ org, app, table: table.name }} {...props} />
                      )}
                    >
                      <bdi>{table.name}</bdi>
                    </Anchor>
                    <Text size="sm" c="dimmed" lineClamp={1}>
                      {table.description}
                    </Text>
                  </Table.Td>
                  <Table.Td>
                    <TableTags
                      app={app}
                      table={table.name}
                      tags={(tags.data ?? []).filter((tag) => tag.collection_name === table.name)}
                    />
                  </Table.Td>
                  <Table.Td>{number(table.columns.filter((column) => !column.is_system).length)}</Table.Td>
                  <Table.Td>{[...new Set(table.foreign_keys.map((key) => key.table))].join(", ")}</Table.Td>
                  <Table.Td>
                    <Time at={table.updated_at} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <MoreButton list={tables} />
    </Page>
  );
}
