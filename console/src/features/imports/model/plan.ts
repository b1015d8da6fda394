import type { Fields, Preview, PreviewColumn, TablePlan } from "../api";

/** Types that a column of a new table can have, in the order of a list of choices. */
export const plannedTypes = [
  "text",
  "integer",
  "bigint",
  "numeric",
  "float",
  "boolean",
  "date",
  "timestamptz",
  "uuid",
  "json",
] as const;
export type PlannedType = (typeof plannedTypes)[number];

/** Returns the plan with another type, name or place in it for the column at `position`. */
export function changeColumn(
  plan: TablePlan,
  position: number,
  change: { name?: string | null; type?: PlannedType },
): TablePlan {
  const before = plan.columns.find((column) => column.position === position);
  const columns = plan.columns.map((column) => (column.position === position ? { ...column, ...change } : column));
  // The key follows the names of its columns.
  const key = (plan.key ?? [])
    .map((name) => (change.name !== undefined && name === before?.name ? change.name : name))
    .filter((name) => name !== null);
  return { ...plan, columns, key };
}

/** Returns the plan with a column in the key, or without it. */
export function changeKey(plan: TablePlan, name: string, isIn: boolean): TablePlan {
  const key = plan.key ?? [];
  return { ...plan, key: isIn ? [...key, name] : key.filter((part) => part !== name) };
}

/** Returns a name for an app from that of a file: `big-orders_2026.csv` is "Big orders 2026". */
export function appNameOf(fileName: string): string {
  const words = fileName
    .replace(/\.[^.]*$/, "")
    .replace(/[-_\s]+/g, " ")
    .trim()
    .slice(0, 100);
  return words.charAt(0).toUpperCase() + words.slice(1);
}

type FileColumn = Pick<PreviewColumn, "header" | "position" | "column">;

/** Returns how a mapping names each column of a file: by its heading, or by its number where that is not enough. */
export function keysOf(columns: readonly FileColumn[]): Map<number, string> {
  return new Map(
    columns.map(({ header, position }) => {
      const isUnique = header !== "" && columns.filter((other) => other.header === header).length === 1;
      return [position, isUnique ? header : `#${position}`];
    }),
  );
}

/** Returns a mapping for every column of a file: to the table's column of its name, or to none. */
export function firstMapping(columns: readonly FileColumn[], known: readonly string[]): Record<string, string | null> {
  const plain = new Map(known.map((name) => [plainName(name), name]));
  const taken = new Set<string>();
  const keys = keysOf(columns);
  return Object.fromEntries(
    columns.map((column) => {
      // What the server suggests may be closed to the one who imports.
      const suggested = column.column !== null && known.includes(column.column) ? column.column : null;
      const target = suggested ?? plain.get(plainName(column.header)) ?? null;
      const isFree = target !== null && !taken.has(target);
      if (isFree) taken.add(target);
      return [keys.get(column.position) ?? "", isFree ? target : null];
    }),
  );
}

function plainName(name: string): string {
  return name.toLocaleLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}

/** Returns a UUID. `crypto.randomUUID` is missing on a page without https. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = Array.from(bytes, (value, index) => {
    const fixed = index === 6 ? (value & 0x0f) | 0x40 : index === 8 ? (value & 0x3f) | 0x80 : value;
    return fixed.toString(16).padStart(2, "0");
  }).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Returns the options that the preview found, as fields of a form. */
export function formOptions(options: Preview["options"]): Fields {
  const { mapping: _, plan: __, ...rest } = options;
  return Object.fromEntries(
    Object.entries(rest)
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}
