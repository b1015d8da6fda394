import { Alert, Button, Group, SegmentedControl, Table, Text } from "@mantine/core";
import { useState } from "react";
import { t } from "@/i18n";
import { download } from "@/ui/download";
import { JsonTree } from "@/ui/JsonTree";
import { isRecord } from "../model/inputs";
import { rowsOf } from "../model/results";
import { framesOf, messageOfTraceback } from "../model/traceback";
import { hasEnded, type Running } from "../model/use-run";
import classes from "./ResultView.module.css";

type Props = { running: Running; paths: ReadonlySet<string>; onOpen: (path: string, line: number) => void };

const maxRows = 200;

/** The value that a run returned, as a table where it is one, or what it failed with. */
export function ResultView({ running, paths, onOpen }: Props) {
  const { run } = running;
  const [look, setLook] = useState("table");
  if (run === null || !hasEnded(run))
    return <p className={classes.text}>{t("The result comes when the run has ended.")}</p>;
  if (run.status !== "completed") return <Failure error={run.error ?? run.cause ?? ""} paths={paths} onOpen={onOpen} />;
  const value = isRecord(run.result) && Object.keys(run.result).join() === "value" ? run.result.value : run.result;
  const table = rowsOf(value);
  return (
    <div className={classes.result}>
      <Group gap="xs">
        {table !== null && (
          <SegmentedControl
            size="xs"
            value={look}
            onChange={setLook}
            data={[
              { value: "table", label: t("Table") },
              { value: "tree", label: t("Tree") },
            ]}
          />
        )}
        <Button
          size="compact-xs"
          variant="default"
          onClick={() => download(`run-${run.number}.json`, JSON.stringify(value, null, 2))}
        >
          {t("Download")}
        </Button>
      </Group>
      {table !== null && look === "table" ? (
        <>
          <Table withTableBorder verticalSpacing={2}>
            <Table.Thead>
              <Table.Tr>
                {table.columns.map((column) => (
                  <Table.Th key={column}>{column}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {table.rows.slice(0, maxRows).map((row, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: rows of a result that does not change
                <Table.Tr key={index}>
                  {table.columns.map((column) => (
                    <Table.Td key={column} className={classes.cell}>
                      {shown(row[column])}
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
          {table.rows.length > maxRows && (
            <Text size="sm" c="dimmed">
              {t("{count} more rows: download them, or look at the tree.", { count: table.rows.length - maxRows })}
            </Text>
          )}
        </>
      ) : (
        <JsonTree value={value} label={t("Result")} />
      )}
    </div>
  );
}

function Failure({ error, paths, onOpen }: { error: string } & Pick<Props, "paths" | "onOpen">) {
  const frames = framesOf(error, paths);
  return (
    <div className={classes.result}>
      <Alert color="red" variant="outline" title={messageOfTraceback(error)}>
        <ul className={classes.frames}>
          {frames.map(({ path, line, name }) => (
            <li key={`${path}:${line}:${name}`}>
              <button type="button" className={classes.frame} onClick={() => onOpen(path, line)}>
                {path}:{line}
              </button>{" "}
              {name}
            </li>
          ))}
        </ul>
        {error.includes("\n") && (
          <details>
            <summary>{t("Whole traceback")}</summary>
            <pre className={classes.traceback}>{error}</pre>
          </details>
        )}
      </Alert>
    </div>
  );
}

function shown(value: unknown): string {
  const text = typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
