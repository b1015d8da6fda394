import { Anchor, Button, Table, Text, TextInput } from "@mantine/core";
import IconPlus from "@tabler/icons-react/icons/IconPlus";
import IconSearch from "@tabler/icons-react/icons/IconSearch";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { meQuery } from "@/features/accounts";
import { useLiveTables } from "@/features/schema";
import { t } from "@/i18n";
import { appRoute } from "@/routing/routes";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows, Page } from "@/ui/Page";
import { Time } from "@/ui/Time";
import { number } from "@/ui/time";
import { tablesQuery } from "../api";

const pageSize = 100;

/** Lists the tables of an app. */
export function TablesPage() {
  const { app } = appRoute.useParams();
  const org = useOrganization();
  const tables = useQuery(tablesQuery(useApi(), app));
  const me = useQuery(meQuery(useApi())).data;
  const canBuild = me !== undefined && me.role !== "member";
  useLiveTables(app);
  const [search, setSearch] = useState("");
  const [shown, setShown] = useState(pageSize);
  const text = search.trim().toLocaleLowerCase();
  const found = (tables.data?.tables ?? []).filter(
    (table) => text === "" || `${table.name} ${table.description}`.toLocaleLowerCase().includes(text),
  );
  return (
    <Page
      title={t("Tables")}
      actions={
        canBuild && (
          <Button
            leftSection={<IconPlus size={16} aria-hidden />}
            renderRoot={(props) => <Link to="/$org/$app/tables/new" params={{ org, app }} {...props} />}
          >
            {t("New table")}
          </Button>
        )
      }
      toolbar={
        <TextInput
          aria-label={t("Search tables")}
          placeholder={t("Search tables")}
          leftSection={<IconSearch size={16} aria-hidden />}
          value={search}
          onChange={(event) => {
            setSearch(event.currentTarget.value);
            setShown(pageSize);
          }}
          data-search
        />
      }
    >
      {tables.isPending && <LoadingRows />}
      {tables.error && <ErrorPanel error={tables.error} onRetry={() => tables.refetch()} />}
      {tables.data?.tables.length === 0 && (
        <EmptyState title={t("No tables yet")}>
          {t("A table holds the rows that people and actions of this app work on.")}
        </EmptyState>
      )}
      {tables.data && tables.data.tables.length > 0 && found.length === 0 && (
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
                <Table.Th>{t("Columns")}</Table.Th>
                <Table.Th>{t("Leads to")}</Table.Th>
                <Table.Th>{t("Changed")}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {found.slice(0, shown).map((table) => (
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
      {found.length > shown && (
        <Button variant="default" mt="md" onClick={() => setShown(shown + pageSize)}>
          {t("Show more ({count} left)", { count: number(found.length - shown) })}
        </Button>
      )}
    </Page>
  );
}
