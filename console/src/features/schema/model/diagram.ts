import type { TableRead } from "@/features/tables";

export type DiagramTable = Pick<TableRead, "id" | "name" | "columns" | "foreign_keys" | "unique">;

/** More tables than these are no picture; the tables around a chosen one are. */
export const maxTables = 200;
/** Columns of a table that are shown; the rest is counted. */
export const maxColumns = 12;

export type Edge = { from: string; to: string; column: string };

/** Returns the references between the tables, each once for its column. */
export function edgesOf(tables: readonly DiagramTable[]): Edge[] {
  const names = new Set(tables.map(({ name }) => name));
  return tables.flatMap(({ name, foreign_keys }) =>
    foreign_keys
      .filter(({ table }) => names.has(table))
      .map(({ column, table }) => ({ from: name, to: table, column })),
  );
}

/** Returns the table with the most references in both directions, or the first one. */
export function mostConnected(tables: readonly DiagramTable[]): string | null {
  const counts = new Map(tables.map(({ name }) => [name, 0]));
  for (const { from, to } of edgesOf(tables)) {
    for (const name of [from, to]) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const [first] = [...counts].toSorted(([, one], [, other]) => other - one);
  return first?.[0] ?? null;
}

/** Returns a table and those around it, the nearest first, as many as one picture can show. */
export function around<T extends DiagramTable>(tables: readonly T[], name: string): T[] {
  const next = new Map<string, string[]>();
  for (const { from, to } of edgesOf(tables)) {
    next.set(from, [...(next.get(from) ?? []), to]);
    next.set(to, [...(next.get(to) ?? []), from]);
  }
  const reached = new Set([name]);
  for (const each of reached) {
    for (const neighbour of next.get(each) ?? []) if (reached.size < maxTables) reached.add(neighbour);
  }
  return tables.filter((table) => reached.has(table.name));
}

/** Returns the builder's columns that are shown of a table, and how many more it has. */
export function columnsOf(table: DiagramTable): { shown: DiagramTable["columns"]; more: number } {
  const own = table.columns.filter((column) => !column.is_system);
  const shown = own.length > maxColumns ? own.slice(0, maxColumns - 1) : own;
  return { shown, more: own.length - shown.length };
}
