import { isRecord } from "./inputs";

/** Rows that were selected in a table to run an action with. They stay with the entry in the browser's history. */
export type SelectedRows = { table: string; ids: readonly string[] };

declare module "@tanstack/react-router" {
  interface HistoryState {
    selectedRows?: SelectedRows;
  }
}

/** Returns rows as they are kept in the state of a place; null where there are none. */
export function selectedRowsOf(state: unknown): SelectedRows | null {
  const kept = isRecord(state) ? state.selectedRows : null;
  if (!isRecord(kept) || typeof kept.table !== "string" || !Array.isArray(kept.ids)) return null;
  const ids = kept.ids.filter((id): id is string => typeof id === "string");
  return ids.length === 0 ? null : { table: kept.table, ids };
}

/** Returns the input that rows are: the first field of the schema that takes a list of texts; none where it has none. */
export function inputOfRows(schema: unknown, rows: SelectedRows | null): Record<string, unknown> {
  const properties = isRecord(schema) && isRecord(schema.properties) ? schema.properties : {};
  const field = rows === null ? undefined : Object.entries(properties).find(([, described]) => takesIds(described));
  return field === undefined || rows === null ? {} : { [field[0]]: rows.ids };
}

function takesIds(property: unknown): boolean {
  if (!isRecord(property) || property.type !== "array") return false;
  return !isRecord(property.items) || property.items.type === undefined || property.items.type === "string";
}
