import { t } from "@/i18n";
import { type Cells, type Copied, textOf, tile } from "./clipboard";
import { type Parsed, parse, refusal } from "./coercion";
import { type Column, isNumeric, type Row, type Value } from "./columns";
import { serialTime } from "./dates";
import { localNumber } from "./display";
import { type Change, realChanges } from "./operations";
import type { Range } from "./selection";

export type Bad = { readonly row: number; readonly column: string; readonly text: string; readonly reason: string };

/** What pasting would do. */
export type PastePlan = {
  readonly changes: readonly Change[];
  readonly added: readonly Record<string, Value>[];
  readonly bad: readonly Bad[];
  /** Cells for columns that cannot be written, or beyond the last column. */
  readonly skipped: number;
};

/** Returns the rows and columns that pasted cells will cover. */
export function coverOf(cells: Cells, range: Range): { cells: Cells; rows: number; columns: number } {
  const all = tile(cells, range.bottom - range.top + 1, range.right - range.left + 1);
  return { cells: all, rows: all.length, columns: all[0]?.length ?? 0 };
}

/** Plans to write `cells` into `rows` and `columns`; cells beyond the last row become new rows. */
export function planPaste(
  cells: Cells,
  rows: readonly Row[],
  columns: readonly Column[],
  first: number,
  locale: string,
): PastePlan {
  const changes: Change[] = [];
  const added: Record<string, Value>[] = [];
  const bad: Bad[] = [];
  let skipped = 0;
  cells.forEach((line, index) => {
    const row = rows[index];
    const object: Record<string, Value> = {};
    line.forEach((cell, position) => {
      const column = columns[position];
      if (column === undefined || !column.isEditable) {
        skipped += 1;
        return;
      }
      const parsed = read(cell, column, locale);
      if ("reason" in parsed)
        bad.push({ row: first + index, column: column.name, text: textOf(cell), reason: parsed.reason });
      else if (row === undefined) object[column.name] = parsed.value;
      else
        changes.push({ id: row.id, column: column.name, before: row.values[column.name] ?? null, after: parsed.value });
    });
    if (row === undefined && Object.keys(object).length > 0) added.push(object);
  });
  return { changes: realChanges(changes), added, bad, skipped };
}

/** Reads a cell for a column: by its exact number where the column has use for that, else by its text. */
function read(cell: Copied, column: Column, locale: string): Parsed {
  if (cell === null) {
    const reason = refusal(null, column);
    return reason === null ? { value: null } : { reason };
  }
  if (typeof cell === "string") return parse(cell, column, locale);
  if (isNumeric(column)) return parse(localNumber(cell.number, locale, false), column, locale);
  const isDate = (column.type === "date" || column.type === "timestamptz") && !/^-?[\d.,]+$/.test(cell.text);
  const time = isDate ? serialTime(Number(cell.number)) : null;
  return parse(time === null ? cell.text : column.type === "date" ? time.slice(0, 10) : time, column, locale);
}

/** Says in one sentence what a plan does. */
export function describePlan({ changes, added, bad, skipped }: PastePlan): string {
  return [
    t("{count, plural, one {# cell changes} other {# cells change}}", { count: changes.length }),
    ...(added.length > 0 ? [t("{count, plural, one {# new row} other {# new rows}}", { count: added.length })] : []),
    ...(bad.length > 0 ? [t("{count, plural, one {# bad cell} other {# bad cells}}", { count: bad.length })] : []),
    ...(skipped > 0
      ? [t("{count, plural, one {# cell is left out} other {# cells are left out}}", { count: skipped })]
      : []),
  ].join(" · ");
}
