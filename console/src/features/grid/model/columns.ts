/** What the API answers for one cell. Numbers that JavaScript would round are strings of their digits. */
export type Value = null | string | number | boolean | readonly Value[] | { readonly [key: string]: Value };

/** Where a reference leads, and the column of that table that names its rows. */
export type Reference = {
  readonly table: string;
  readonly graphqlName: string;
  readonly relationship: string;
  readonly label: string;
};

export type Column = {
  readonly name: string;
  readonly type: string;
  readonly isRequired: boolean;
  readonly hasDefault: boolean;
  readonly isEditable: boolean;
  readonly choices: readonly string[];
  readonly reference: Reference | null;
  readonly description?: string;
  /** How its values are shown, by type; what is not known is ignored. */
  readonly format?: Readonly<Record<string, unknown>>;
};

/** What the grid must know of a table. `unique` maps the names of constraints to their columns. */
export type Table = {
  readonly name: string;
  readonly graphqlName: string;
  readonly columns: readonly Column[];
  readonly unique: Readonly<Record<string, readonly string[]>>;
};

export type Row = {
  readonly id: string;
  readonly updatedAt: string;
  readonly values: Readonly<Record<string, Value>>;
  /** Names of referenced rows, by column. */
  readonly labels: Readonly<Record<string, Value>>;
};

const numeric = new Set(["integer", "bigint", "numeric", "float"]);

/** Tells whether a column holds numbers, which stand at the right. */
export function isNumeric(column: Column): boolean {
  return numeric.has(column.type);
}

export function isText(column: Column): boolean {
  return column.type === "text";
}

/** Tells whether two cell values are the same value. */
export function isSame(one: Value | undefined, other: Value | undefined): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object") return String(one) === String(other) && one !== null;
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Tells whether something that was read from JSON can stand in a cell: everything but what JSON lacks. */
export function isValue(value: unknown): value is Value {
  return value === null || ["string", "number", "boolean", "object"].includes(typeof value);
}
