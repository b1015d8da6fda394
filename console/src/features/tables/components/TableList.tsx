import { Anchor, Button, Table, Text } from "@mantine/core";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useApi, useOrganization } from "@/api/context";
import { t } from "@/i18n";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { MoreButton } from "@/ui/MoreButton";
import { LoadingRows } from "@/ui/Page";
import { Time } from "@/ui/Time";
import { number } from "@/ui/time";
import { tableListQuery, tagsQuery } from "../api";
import { TableTags } from "./TableTags";

type Props = { app: string; search: string; onClearSearch: () => void };

/** The tables of an app as a list, part by part. */
export function TableList({ app, search, onClearSearch }: Props) {
  const api = useApi();
  const org = useOrganization();
  const tables = useInfiniteQuery({ ...tableListQuery(api, app, search), placeholderData: keepPreviousData });
  const tags = useQuery(tagsQuery(api, app));
  const found = tables.data?.pages.flatMap((page) => page.tables) ?? [];
  const isEmpty = tables.data !== undefined && !tables.isPlaceholderData && found.length === 0;
  return (
    <>
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
            <Button variant="default" onClick={onClearSearch}>
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
    </>
  );
}
