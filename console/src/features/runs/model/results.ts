import { isRecord } from "@/api/graphql";

const maxColumns = 30;

/** A list of objects, as a table shows it. */
export type Rows = { columns: string[]; rows: Record<string, unknown>[] };

/** Returns a value as rows and columns where it is a list of objects, or an object with only such a list. */
export function rowsOf(value: unknown): Rows | null {
  const list = isRecord(value) ? onlyValue(value) : value;
  if (!Array.isArray(list) || list.length === 0 || !list.every(isRecord)) return null;
  const columns = new Set<string>();
  for (const row of list) {
    for (const name of Object.keys(row)) columns.add(name);
    if (columns.size > maxColumns) return null;
  }
  return { columns: [...columns], rows: list };
}

function onlyValue(value: Record<string, unknown>): unknown {
  const values = Object.values(value);
  return values.length === 1 ? values[0] : null;
}

/** Returns what a run returned: a value that is no object is wrapped as `{value: …}` on its way. */
export function returnedBy(result: unknown): unknown {
  return isRecord(result) && Object.keys(result).join() === "value" ? result.value : result;
}
