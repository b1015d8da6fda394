import type { TableRead } from "../api";

type Named = Pick<TableRead["columns"][number], "name" | "is_system">;

/** Returns whether the caller may read rows of a table, and thereby export them. */
export function canRead({ limits }: Pick<TableRead, "limits">): boolean {
  return limits?.read.allowed ?? true;
}

/** Returns whether the caller may import rows into a table: what an import has done is read as well. */
export function canImport({ limits }: Pick<TableRead, "limits">): boolean {
  return limits === null || limits === undefined || (limits.read.allowed && limits.add.allowed);
}

/** Returns the names of columns that the caller reads, in the order of the table. */
export function readableColumns({ columns, limits }: Pick<TableRead, "columns" | "limits">): string[] {
  return columns.filter(isOpen(limits?.read.columns)).map(({ name }) => name);
}

/** Returns the names of columns that a file of the caller's may fill. */
export function importableColumns({ columns, limits }: Pick<TableRead, "columns" | "limits">): string[] {
  return columns
    .filter(({ name, is_system }) => !is_system || name === "id" || name === "connection_id")
    .filter(isOpen(limits?.add.columns))
    .map(({ name }) => name);
}

/** Returns the names of columns that a file of the caller's may not fill, beside those that the platform fills. */
export function closedColumns({ columns, limits }: Pick<TableRead, "columns" | "limits">): string[] {
  const isIn = isOpen(limits?.add.columns);
  const presets = limits?.add.presets ?? [];
  return columns.filter((column) => !isIn(column) && !presets.includes(column.name)).map(({ name }) => name);
}

/** Returns whether rows that are there may be updated by `key` with the other columns that a file fills. */
export function canUpdate(
  { columns, limits }: Pick<TableRead, "columns" | "limits">,
  key: readonly string[],
  filled: readonly string[],
): boolean {
  if (limits === null || limits === undefined) return true;
  const isIn = isOpen(limits.change.columns);
  const written = columns.filter(({ name }) => filled.includes(name) && !key.includes(name));
  return limits.change.allowed && written.every(isIn);
}

function isOpen(names: readonly string[] | undefined) {
  return ({ name, is_system }: Named) => is_system || names === undefined || names.includes(name);
}
