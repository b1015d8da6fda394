import type { RejectedRow, RepairResult, RowRepair } from "../api";

/** What was typed, by line and column. */
export type Edits = Readonly<Record<number, Readonly<Record<string, string>>>>;

/** Returns the edits with one more; a value that is typed back is none. */
export function withEdit(edits: Edits, row: RejectedRow, column: string, value: string): Edits {
  const { [column]: _, ...others } = edits[row.line] ?? {};
  const original = row.values.find((item) => item.column === column)?.value ?? "";
  const cells = value === original ? others : { ...others, [column]: value };
  const { [row.line]: __, ...rest } = edits;
  return Object.keys(cells).length === 0 ? rest : { ...rest, [row.line]: cells };
}

/** Returns the rows to import again: those that were edited, or all of them when none was. */
export function repairsOf(rows: readonly RejectedRow[], edits: Edits): RowRepair[] {
  const isEdited = rows.some((row) => edits[row.line] !== undefined);
  return rows
    .filter((row) => !isEdited || edits[row.line] !== undefined)
    .map((row) => ({ line: row.line, revision: row.revision, values: { ...edits[row.line] } }));
}

/** Returns the edits that are still to be kept: the server has what it answered with, except where it was changed. */
export function keptEdits(edits: Edits, results: RepairResult["results"]): Edits {
  const done = new Set(results.filter(({ outcome }) => outcome !== "changed").map(({ line }) => String(line)));
  return Object.fromEntries(Object.entries(edits).filter(([line]) => !done.has(line)));
}

/** Counts outcomes. */
export function tally(results: RepairResult["results"]): { imported: number; rejected: number; changed: number } {
  const count = (...names: string[]) => results.filter(({ outcome }) => names.includes(outcome)).length;
  return {
    imported: count("imported", "imported_before"),
    rejected: count("rejected"),
    changed: count("changed", "unknown"),
  };
}

/** Reads edits from a draft; what is none is left out. */
export function readEdits(text: string): Edits {
  const read: unknown = JSON.parse(text);
  if (typeof read !== "object" || read === null) return {};
  const lines = Object.entries(read).map(([line, cells]: [string, unknown]) => {
    const pairs = typeof cells === "object" && cells !== null ? Object.entries(cells) : [];
    return [Number(line), Object.fromEntries(pairs.filter(([, value]) => typeof value === "string"))] as const;
  });
  return Object.fromEntries(lines);
}
