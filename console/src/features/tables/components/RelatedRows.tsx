import { Anchor, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useApi, useOrganization } from "@/api/context";
import type { Table } from "@/features/grid";
import { t } from "@/i18n";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows } from "@/ui/Page";
import { number } from "@/ui/time";
import { referringQuery, relatedQuery, type TableRead } from "../api";
import classes from "./TablePage.module.css";

/** Lists the rows of other tables that refer to a row, the first of each, with the way to all of them. */
export function RelatedRows({ app, table, id }: { app: string; table: Table; id: string }) {
  const referring = useQuery(referringQuery(useApi(), app, table));
  if (referring.error) return <ErrorPanel error={referring.error} onRetry={() => referring.refetch()} />;
  return referring.data?.map(({ relationship, by }) => (
    <RelatedList key={relationship} {...{ app, table, id, relationship, by }} />
  ));
}

type RelatedListProps = { app: string; table: Table; id: string; relationship: string; by: TableRead };

function RelatedList({ app, table, id, relationship, by }: RelatedListProps) {
  const org = useOrganization();
  const params = { org, app, table: by.name };
  const related = useQuery(relatedQuery(useApi(), app, table, id, relationship, by));
  const title = by.foreign_keys.find((key) => key.array_relationship === relationship)?.column ?? relationship;
  return (
    <section
      className={classes.related}
      aria-label={t("Rows of {table} by {column}", { table: by.name, column: title })}
    >
      <Title order={3} size="h6">
        <bdi>{by.name}</bdi> · <bdi>{title}</bdi>
        {related.data && <span className={classes.count}> {number(related.data.count)}</span>}
      </Title>
      {related.isPending && <LoadingRows count={2} />}
      {related.error && <ErrorPanel error={related.error} onRetry={() => related.refetch()} />}
      {related.data?.count === 0 && (
        <Text size="sm" c="dimmed">
          {t("No row refers to this one.")}
        </Text>
      )}
      <ul>
        {related.data?.rows.map((row) => (
          <li key={row.id}>
            <Anchor
              size="sm"
              renderRoot={(props) => (
                <Link to="/$org/$app/tables/$table" params={params} search={{ row: row.id }} {...props} />
              )}
            >
              <bdi>{row.label}</bdi>
            </Anchor>
          </li>
        ))}
      </ul>
      {related.data !== undefined && related.data.count > related.data.rows.length && (
        <Anchor
          size="sm"
          renderRoot={(props) => (
            <Link
              to="/$org/$app/tables/$table"
              params={params}
              search={{ where: { _and: [{ [related.data.column]: { _eq: id } }] } }}
              {...props}
            />
          )}
        >
          {t("Show all {count}", { count: number(related.data.count) })}
        </Anchor>
      )}
    </section>
  );
}
