import type { TableRead } from "@/features/tables";
import type { Edit } from "../api";
import { type ColumnForm, readDefault, writeDefault } from "./columns";

type Base = Pick<
  TableRead,
  "name" | "description" | "columns" | "unique" | "foreign_keys" | "indexes" | "graphql_name"
>;

/** What is to be changed of a table, so that it can also be applied when somebody else changed it meanwhile. */
export type Staged = {
  readonly name: string | null;
  readonly description: string | null;
  /** By the present name of the column. */
  readonly changed: { readonly [column: string]: ColumnForm };
  readonly added: readonly ColumnForm[];
  readonly dropped: readonly string[];
  /** Keys of columns in their order; null: as they are. */
  readonly order: readonly string[] | null;
  readonly uniqueAdded: readonly (readonly string[])[];
  /** Names of the keys' constraints. */
  readonly uniqueDropped: readonly string[];
  readonly indexAdded: readonly (readonly string[])[];
  readonly indexDropped: readonly string[];
};

export const nothing: Staged = {
  name: null,
  description: null,
  changed: {},
  added: [],
  dropped: [],
  order: null,
  uniqueAdded: [],
  uniqueDropped: [],
  indexAdded: [],
  indexDropped: [],
};

/** A new table, before anything is staged for it. */
export const noTable: Base = {
  name: "",
  description: "",
  columns: [],
  unique: [],
  foreign_keys: [],
  indexes: [],
  graphql_name: "",
};

/** A column as it will be. `key` is its present name, or `+0`, `+1`, … for new ones. */
export type ShownColumn = { key: string; form: ColumnForm; state: "kept" | "changed" | "added" };

export function keyOfIndex(columns: readonly string[]): string {
  return columns.join(", ");
}

/** Returns the form of a column that the table has. */
export function formOf(base: Base, name: string): ColumnForm | null {
  const column = base.columns.find((item) => item.name === name && !item.is_system);
  if (column === undefined) return null;
  const reference = base.foreign_keys.find((key) => key.column === name);
  return {
    name,
    type: typeOf(column.type),
    isRequired: column.required,
    default: writeDefault(column.default),
    choices: column.choices,
    description: column.description ?? "",
    format: column.format ?? null,
    target: reference?.table ?? "",
    isRestricted: reference?.on_delete === "restrict",
  };
}

/** Returns the builder's columns as they will be, in their order, without those that are dropped. */
export function shownColumns(base: Base, staged: Staged): ShownColumn[] {
  const present = base.columns.flatMap((column): ShownColumn[] => {
    const form = formOf(base, column.name);
    if (form === null || staged.dropped.includes(column.name)) return [];
    const changed = staged.changed[column.name];
    return [{ key: column.name, form: changed ?? form, state: changed === undefined ? "kept" : "changed" }];
  });
  const all = [...present, ...staged.added.map((form, at): ShownColumn => ({ key: `+${at}`, form, state: "added" }))];
  const order = staged.order;
  if (order === null) return all;
  const place = (key: string) => (order.includes(key) ? order.indexOf(key) : order.length);
  return all.toSorted((one, other) => place(one.key) - place(other.key));
}

/** Moves a column up (-1) or down (1). */
export function move(base: Base, staged: Staged, key: string, by: -1 | 1): Staged {
  const order = shownColumns(base, staged).map((column) => column.key);
  const at = order.indexOf(key);
  const to = at + by;
  if (at < 0 || to < 0 || to >= order.length) return staged;
  order.splice(at, 1);
  order.splice(to, 0, key);
  return { ...staged, order: isUsual(base, staged, order) ? null : order };
}

/** Stages what a column's form holds. */
export function putColumn(base: Base, staged: Staged, key: string | null, form: ColumnForm): Staged {
  if (key === null) return { ...staged, added: [...staged.added, form] };
  if (key.startsWith("+")) {
    return { ...staged, added: staged.added.map((item, at) => (`+${at}` === key ? form : item)) };
  }
  const { [key]: _, ...others } = staged.changed;
  const isSame = JSON.stringify(formOf(base, key)) === JSON.stringify(form);
  return { ...staged, changed: isSame ? others : { ...others, [key]: form } };
}

/** Stages that a column goes; one that is new is forgotten. */
export function dropColumn(staged: Staged, key: string): Staged {
  if (!key.startsWith("+")) {
    const { [key]: _, ...changed } = staged.changed;
    return { ...staged, changed, dropped: [...staged.dropped, key] };
  }
  const gone = Number(key.slice(1));
  const order = staged.order
    ?.filter((item) => item !== key)
    .map((item) => (item.startsWith("+") && Number(item.slice(1)) > gone ? `+${Number(item.slice(1)) - 1}` : item));
  return { ...staged, added: staged.added.filter((_, at) => at !== gone), order: order ?? null };
}

/** Counts what is staged: each column, key and index once. */
export function countChanges(staged: Staged): number {
  const { changed, added, dropped, uniqueAdded, uniqueDropped, indexAdded, indexDropped } = staged;
  const parts = [Object.keys(changed), added, dropped, uniqueAdded, uniqueDropped, indexAdded, indexDropped];
  const whole = [staged.name, staged.description, staged.order].filter((item) => item !== null).length;
  return whole + parts.reduce((sum, part) => sum + part.length, 0);
}

/** Returns the body that makes of `base` what is staged. */
export function editOf(base: Base, staged: Staged): Edit {
  const shown = shownColumns(base, staged);
  const isOrdered = staged.order !== null;
  const written = shown.filter(({ state }) => isOrdered || state !== "kept");
  const position = (key: string) => (isOrdered ? { position: shown.findIndex((item) => item.key === key) } : {});
  const edit: Edit = {
    columns: written.map(({ key, form }) => ({
      ...columnOf(form),
      ...position(key),
      ...(key.startsWith("+") || key === form.name ? {} : { renamed_from: key }),
    })),
    drop_columns: staged.dropped.filter((name) => base.columns.some((column) => column.name === name)),
    foreign_keys: written
      .filter(({ form }) => form.type === "reference")
      .map(({ form }) => ({
        column: form.name,
        table: form.target,
        references: "id",
        on_delete: form.isRestricted || form.isRequired ? "restrict" : "set_null",
      })),
  };
  if (staged.name !== null) edit.name = staged.name;
  if (staged.description !== null) edit.description = staged.description;
  const keys = keysOf(base, staged, shown);
  if (staged.uniqueAdded.length + staged.uniqueDropped.length > 0) edit.unique = keys.unique;
  if (staged.indexAdded.length + staged.indexDropped.length > 0) edit.indexes = keys.indexes;
  return edit;
}

/** Returns unique keys and indexes as they will be, with the columns' new names. */
export function keysOf(base: Base, staged: Staged, shown: readonly ShownColumn[] = shownColumns(base, staged)) {
  const names = new Map(shown.map(({ key, form }) => [key, form.name]));
  const isThere = (column: string) => !staged.dropped.includes(column);
  const renamed = (columns: readonly string[]) => columns.map((column) => names.get(column) ?? column);
  const kept = base.unique.filter((key) => !staged.uniqueDropped.includes(key.name) && key.columns.every(isThere));
  const indexes = base.indexes.filter(
    ({ columns }) => !staged.indexDropped.includes(keyOfIndex(columns)) && columns.every(isThere),
  );
  return {
    unique: [
      ...kept.map((key) => ({ columns: renamed(key.columns), ...ownName(base, key) })),
      ...staged.uniqueAdded.map((columns) => ({ columns: renamed(columns) })),
    ],
    indexes: [
      ...indexes.map(({ columns }) => ({ columns: renamed(columns) })),
      ...staged.indexAdded.map((columns) => ({ columns: renamed(columns) })),
    ],
  };
}

/** A key whose name says more than its columns keeps that name. */
function ownName(base: Base, key: { name: string; columns: readonly string[] }): { name?: string } {
  const own = key.name.replace(`uq_${base.graphql_name}_`, "").replace(/_org$/, "");
  return own === key.columns.join("_") || own === key.name ? {} : { name: own };
}

function columnOf(form: ColumnForm) {
  return {
    name: form.name,
    type: form.type,
    required: form.isRequired,
    default: readDefault(form.type, form.default),
    choices: form.type === "choice" ? [...form.choices] : [],
    description: form.description,
    format: form.format,
  };
}

function isUsual(base: Base, staged: Staged, order: readonly string[]): boolean {
  const usual = shownColumns(base, { ...staged, order: null }).map(({ key }) => key);
  return usual.every((key, at) => key === order[at]);
}

const types = new Set<string>([
  ...["text", "integer", "bigint", "numeric", "float", "boolean"],
  ...["date", "timestamptz", "uuid", "json", "reference", "choice"],
]);

function isType(type: string): type is ColumnForm["type"] {
  return types.has(type);
}

function typeOf(type: string): ColumnForm["type"] {
  return isType(type) ? type : "text";
}
