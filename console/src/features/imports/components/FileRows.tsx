import { Text, Title } from "@mantine/core";
import { t } from "@/i18n";
import { number } from "@/ui/time";
import type { Preview } from "../api";
import classes from "./Imports.module.css";

/** Shows the first lines of a file as they are read. */
export function FileRows({ preview }: { preview: Preview }) {
  return (
    <section className={classes.section} aria-labelledby="file-rows">
      <Title order={2} size="h5" id="file-rows">
        {t("The first rows of the file")}
      </Title>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and a keyboard has to reach it */}
      <section className={classes.scroll} tabIndex={0} aria-label={t("Rows of the file")}>
        <table className={classes.table}>
          <thead>
            <tr>
              <th>{t("Line")}</th>
              {preview.columns.map((column) => (
                <th key={column.position}>
                  <bdi>{column.header || t("column {number}", { number: column.position })}</bdi>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {preview.rows.map((row) => (
              <tr key={row.line}>
                <td className={classes.number}>{row.line}</td>
                {preview.columns.map((column) => (
                  <td key={column.position} className={classes.value} dir="auto">
                    {row.values[column.position - 1] ?? ""}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <Text size="sm" c="dimmed">
        {preview.total_rows === null
          ? t("The types were guessed from the first {count} rows.", { count: number(preview.rows_looked_at) })
          : t("{all} rows in the file; the types were guessed from {count}.", {
              all: number(preview.total_rows),
              count: number(preview.rows_looked_at),
            })}
      </Text>
    </section>
  );
}

/** Says how many rows would not go in as they are. */
export function RowsToRepair({ preview, isCounting }: { preview: Preview; isCounting: boolean }) {
  const isAll = preview.total_rows === preview.rows_looked_at;
  const values = { count: preview.rows_to_repair, looked: number(preview.rows_looked_at) };
  const text =
    preview.rows_to_repair === 0
      ? t("Every row fits.")
      : t("{count, plural, one {# row} other {# rows}} will go to the repair list.", values);
  return (
    <Text
      role="status"
      className={isCounting ? classes.muted : preview.rows_to_repair === 0 ? classes.ok : classes.warn}
    >
      {isCounting ? t("Counting …") : isAll ? text : `${text} ${t("Counted in the first {looked} rows.", values)}`}
    </Text>
  );
}

/** Says why a file cannot be read, and where. */
export function FileFault({ preview }: { preview: Preview }) {
  if (preview.error === null) return null;
  const place = { line: preview.error_line ?? 0, column: preview.error_column ?? 0 };
  return (
    <div role="alert">
      <Text fw={600} className={classes.error}>
        {preview.error_line === null || preview.error_line === undefined
          ? t("This file cannot be imported as it is")
          : preview.error_column === null || preview.error_column === undefined
            ? t("This file cannot be read: line {line}", place)
            : t("This file cannot be read: line {line}, character {column}", place)}
      </Text>
      <Text dir="auto">{preview.error}</Text>
    </div>
  );
}
