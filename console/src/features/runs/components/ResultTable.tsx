import { Table, Text } from "@mantine/core";
import { t } from "@/i18n";
import type { Rows } from "../model/results";
import classes from "./ResultTable.module.css";

const maxRows = 200;

/** Shows a result that is a list of objects as a table: its first rows. */
export function ResultTable({ rows: { columns, rows } }: { rows: Rows }) {
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, by keyboard too */}
      <section className={classes.scroller} tabIndex={0} aria-label={t("Result")}>
        <Table withTableBorder verticalSpacing={2}>
          <Table.Thead>
            <Table.Tr>
              {columns.map((column) => (
                <Table.Th key={column}>{column}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.slice(0, maxRows).map((row, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: rows of a result that does not change
              <Table.Tr key={index}>
                {columns.map((column) => (
                  <Table.Td key={column} className={classes.cell}>
                    {shown(row[column])}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </section>
      {rows.length > maxRows && (
        <Text size="sm" c="dimmed">
          {t("{count} more rows: download them, or look at the tree.", { count: rows.length - maxRows })}
        </Text>
      )}
    </>
  );
}

function shown(value: unknown): string {
  const text = typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
