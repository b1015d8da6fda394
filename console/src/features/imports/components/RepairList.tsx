import { Button, Group, Text, TextInput, Title } from "@mantine/core";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useApi } from "@/api/context";
import { t } from "@/i18n";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { MoreButton } from "@/ui/MoreButton";
import { LoadingRows } from "@/ui/Page";
import { number } from "@/ui/time";
import { type Import, importQuery, type RejectedRow, repairRows, repairsQuery } from "../api";
import { keptEdits, repairsOf, tally, withEdit } from "../model/repairs";
import classes from "./Imports.module.css";
import { useEdits } from "./useEdits";

/** The rows that did not go in, each value with the reason against it, to be edited and imported again. */
export function RepairList({ job }: { job: Import }) {
  const api = useApi();
  const cache = useQueryClient();
  const [edits, setEdits] = useEdits(job.id);
  const list = useInfiniteQuery(repairsQuery(api, job.id));
  const rows = list.data?.pages.flatMap(({ results }) => results) ?? [];
  const columns = rows[0]?.values.map(({ column }) => column) ?? [];
  const repairs = repairsOf(rows, edits);
  const isEdited = Object.keys(edits).length > 0;
  const repairing = useMutation({
    mutationFn: () => repairRows(api, job.id, repairs),
    onSuccess: async (results) => {
      setEdits((before) => keptEdits(before, results));
      await cache.invalidateQueries({ queryKey: ["repairs", job.id] });
    },
    // Also after a failure: a part of the rows may be in.
    onSettled: () => cache.invalidateQueries({ queryKey: importQuery(api, job.id).queryKey }),
  });
  return (
    <form
      className={classes.section}
      aria-labelledby="repairs"
      onSubmit={(event) => {
        event.preventDefault();
        if (!repairing.isPending && repairs.length > 0) repairing.mutate();
      }}
    >
      <Title order={2} size="h5" id="repairs">
        {t("Rows to repair")}
      </Title>
      {list.isPending && <LoadingRows count={3} />}
      {list.error && <ErrorPanel error={list.error} onRetry={() => list.refetch()} />}
      {rows.length > 0 && (
        <>
          <div className={classes.scroll}>
            <table className={classes.table}>
              <thead>
                <tr>
                  <th>{t("Line")}</th>
                  {columns.map((column) => (
                    <th key={column}>{column}</th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <Row
                    key={row.line}
                    row={row}
                    columns={columns}
                    edits={edits[row.line] ?? {}}
                    onEdit={(column, value) => setEdits((before) => withEdit(before, row, column, value))}
                  />
                ))}
              </tbody>
            </table>
          </div>
          <MoreButton list={list} />
          <Group gap="xs">
            <Button type="submit" loading={repairing.isPending}>
              {isEdited
                ? t("{count, plural, one {Import # repaired row again} other {Import # repaired rows again}}", {
                    count: repairs.length,
                  })
                : t("Import again as they are")}
            </Button>
            <Outcome results={repairing.data} />
          </Group>
          {repairing.error && <ErrorPanel error={repairing.error} onRetry={() => repairing.mutate()} />}
        </>
      )}
    </form>
  );
}

type RowProps = {
  row: RejectedRow;
  columns: readonly string[];
  edits: Readonly<Record<string, string>>;
  onEdit: (column: string, value: string) => void;
};

function Row({ row, columns, edits, onEdit }: RowProps) {
  const reasons = new Map(row.reasons.map(({ column, reason }) => [column, reason]));
  const others = row.reasons.filter(({ column }) => column === null || !columns.includes(column));
  return (
    <>
      <tr>
        <td className={classes.number}>{number(row.line)}</td>
        {columns.map((column) => {
          const original = row.values.find((item) => item.column === column)?.value ?? "";
          const reason = edits[column] === undefined ? reasons.get(column) : undefined;
          return (
            <td key={column}>
              <TextInput
                size="xs"
                className={classes.input}
                aria-label={t("{column}, line {line}", { column, line: row.line })}
                dir="auto"
                value={edits[column] ?? original}
                error={reason}
                classNames={{ error: classes.reason ?? "" }}
                onChange={(event) => onEdit(column, event.currentTarget.value)}
              />
            </td>
          );
        })}
      </tr>
      {others.length > 0 && (
        <tr>
          <td />
          <td colSpan={columns.length}>
            {others.map(({ column, reason }) => (
              <Text key={column ?? ""} size="sm" className={classes.error}>
                {column === null ? reason : `${column}: ${reason}`}
              </Text>
            ))}
            {row.raw !== null && (
              <pre className={classes.raw} dir="auto">
                {row.raw}
              </pre>
            )}
          </td>
        </tr>
      )}
    </>
  );
}

function Outcome({ results }: { results: Awaited<ReturnType<typeof repairRows>> | undefined }) {
  if (results === undefined) return null;
  const { imported, rejected, changed } = tally(results);
  return (
    <Text size="sm" role="status">
      {[
        t("{imported} imported", { imported }),
        ...(rejected > 0 ? [t("{rejected} still to repair", { rejected })] : []),
        ...(changed > 0 ? [t("{changed} changed by somebody else meanwhile: look again", { changed })] : []),
      ].join(" · ")}
    </Text>
  );
}
