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
  /** Whether a new row may have a value in it; by default, as `isEditable` says. */
  readonly isAddable?: boolean;
  /** Its values may not be changed because of the role of the one who looks. */
  readonly isLocked?: boolean;
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
  /** Columns that a new row may have a value in which the one who looks cannot read afterwards. */
  readonly writeOnly?: readonly Column[];
  readonly unique: Readonly<Record<string, readonly string[]>>;
  /** What the role of the one who looks is limited to; without it, they may do everything. */
  readonly limits?: Limits;
};

/** What may be done with the rows of a table. `hidden` are columns that may not be read. */
export type Limits = {
  readonly canRead: boolean;
  readonly canAdd: boolean;
  readonly canChange: boolean;
  readonly canDelete: boolean;
  readonly isByRow: boolean;
  readonly hidden: number;
};

/** Tells whether rows may be added. */
export function canAdd(table: Table): boolean {
  return table.limits?.canAdd ?? true;
}

/** Tells whether rows may be deleted. */
export function canDelete(table: Table): boolean {
  return table.limits?.canDelete ?? true;
}

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
