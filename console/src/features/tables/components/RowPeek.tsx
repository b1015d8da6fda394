import { Anchor, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { useApi, useOrganization } from "@/api/context";
import { RowsApi, shown } from "@/features/grid";
import { locale, t } from "@/i18n";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows } from "@/ui/Page";
import { tableOf, tableQuery } from "../api";
import classes from "./TablePage.module.css";

const maxFields = 8;

/** Shows the first fields of a row that another one refers to, and the way to it. */
export function RowPeek({ app, table: name, id }: { app: string; table: string; id: string }) {
  const api = useApi();
  const org = useOrganization();
  const described = useQuery(tableQuery(api, app, name));
  const table = useMemo(
    () => (described.data === undefined ? undefined : tableOf(described.data.table, described.data.targets)),
    [described.data],
  );
  const read = useQuery({
    queryKey: ["row", app, name, id],
    queryFn: ({ signal }) => (table === undefined ? [] : new RowsApi(api, app, table).byIds([id], signal)),
    enabled: table !== undefined,
    staleTime: 0,
  });
  const error = described.error ?? read.error;
  const row = read.data?.[0];
  return (
    <>
      {error !== null && <ErrorPanel error={error} onRetry={() => read.refetch()} />}
      {error === null && read.data === undefined && <LoadingRows count={3} />}
      {read.data !== undefined && row === undefined && (
        <Text size="sm">{t("This row has been deleted, or it is not yours.")}</Text>
      )}
      {row !== undefined && (
        <dl className={classes.fields}>
          {table?.columns
            .filter(({ isEditable, name: column }) => isEditable && column in row.values)
            .slice(0, maxFields)
            .map((column) => (
              <div key={column.name}>
                <dt>{column.name}</dt>
                <dd data-empty={row.values[column.name] === null}>
                  <bdi>{shown(row, column, locale) ?? t("empty")}</bdi>
                </dd>
              </div>
            ))}
        </dl>
      )}
      <Anchor
        size="sm"
        data-autofocus
        renderRoot={(props) => (
          <Link to="/$org/$app/tables/$table" params={{ org, app, table: name }} search={{ row: id }} {...props} />
        )}
      >
        {t("Open the row in {table}", { table: name })}
      </Anchor>
    </>
  );
}
