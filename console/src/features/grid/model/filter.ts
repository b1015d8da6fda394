import { type Column, isNumeric, isText, type Value } from "./columns";

/** A GraphQL `where`. */
export type Where = { readonly [key: string]: Value };
/** A GraphQL `order_by`: one column in each item. */
export type Order = readonly { readonly column: string; readonly isDescending: boolean }[];

export type Operator =
  | "contains"
  | "begins"
  | "is"
  | "is not"
  | "one of"
  | "less"
  | "at most"
  | "greater"
  | "at least"
  | "empty"
  | "not empty";

/** One chip of the toolbar. `value` is null for `empty` and `not empty`, a list for `one of`. */
export type Condition = { readonly column: string; readonly operator: Operator; readonly value: Value };

export type Filter = { readonly conditions: readonly Condition[]; readonly search: string };

export const noFilter: Filter = { conditions: [], search: "" };
const maxConditions = 20;
const graphql: Readonly<Partial<Record<Operator, string>>> = {
  is: "_eq",
  "is not": "_neq",
  "one of": "_in",
  less: "_lt",
  "at most": "_lte",
  greater: "_gt",
  "at least": "_gte",
};

/** Returns the operators that a column offers, the usual one first. */
export function operatorsOf(column: Column): readonly Operator[] {
  const emptiness = column.isRequired ? [] : (["empty", "not empty"] as const);
  if (isText(column)) return ["contains", "is", "is not", "begins", ...emptiness];
  if (isNumeric(column) || column.type === "date" || column.type === "timestamptz") {
    return ["is", "is not", "less", "at most", "greater", "at least", ...emptiness];
  }
  if (column.type === "choice") return ["one of", "is", "is not", ...emptiness];
  return column.type === "json" ? emptiness : ["is", "is not", ...emptiness];
}

/** Returns the `where` of a filter; `{}` for none. */
export function toWhere(filter: Filter, columns: readonly Column[]): Where {
  const parts: Where[] = filter.conditions.map(conditionToWhere);
  const texts = columns.filter(isText);
  if (filter.search !== "" && texts.length > 0) {
    parts.push({ _or: texts.map((column) => ({ [column.name]: { _ilike: `%${escapeLike(filter.search)}%` } })) });
  }
  return parts.length === 0 ? {} : { _and: parts };
}

function conditionToWhere({ column, operator, value }: Condition): Where {
  if (operator === "empty" || operator === "not empty") return { [column]: { _is_null: operator === "empty" } };
  const text = escapeLike(String(value));
  if (operator === "contains") return { [column]: { _ilike: `%${text}%` } };
  if (operator === "begins") return { [column]: { _ilike: `${text}%` } };
  return { [column]: { [graphql[operator] ?? "_eq"]: value } };
}

/**
 * Reads a `where` of an address. What this grid would not write itself, names no column of the table or an operator
 * that its type does not have is left out: an address is input of strangers.
 */
export function fromWhere(where: unknown, columns: readonly Column[]): Filter {
  const parts = isRecord(where) && Array.isArray(where._and) ? where._and.slice(0, maxConditions) : [];
  const conditions: Condition[] = [];
  let search = "";
  for (const part of parts) {
    if (!isRecord(part)) continue;
    const [entry] = Object.entries(part);
    if (entry === undefined) continue;
    if (entry[0] === "_or") search = searchOf(entry[1]) ?? search;
    else {
      const column = columns.find((item) => item.name === entry[0]);
      const condition = column === undefined ? null : readCondition(column, entry[1]);
      if (condition !== null) conditions.push(condition);
    }
  }
  return { conditions, search };
}

function readCondition(column: Column, comparison: unknown): Condition | null {
  const [entry] = isRecord(comparison) ? Object.entries(comparison) : [];
  if (entry === undefined) return null;
  const [name, value] = entry;
  const read = operatorFrom(name, value);
  return read !== null && operatorsOf(column).includes(read.operator) ? { column: column.name, ...read } : null;
}

function operatorFrom(name: string, value: unknown): { operator: Operator; value: Value } | null {
  if (name === "_is_null") return { operator: value === true ? "empty" : "not empty", value: null };
  if (name === "_in") return Array.isArray(value) && value.every(isScalar) ? { operator: "one of", value } : null;
  if (!isScalar(value)) return null;
  if (name === "_ilike") {
    const pattern = String(value);
    if (pattern.length >= 2 && pattern.startsWith("%")) {
      return { operator: "contains", value: unescapeLike(pattern.slice(1, -1)) };
    }
    return { operator: "begins", value: unescapeLike(pattern.slice(0, -1)) };
  }
  for (const operator of ["is", "is not", "less", "at most", "greater", "at least"] as const) {
    if (graphql[operator] === name) return { operator, value };
  }
  return null;
}

function searchOf(parts: unknown): string | null {
  const [first] = Array.isArray(parts) ? parts : [];
  const [comparison] = isRecord(first) ? Object.values(first) : [];
  const pattern = isRecord(comparison) ? comparison._ilike : null;
  return typeof pattern === "string" ? unescapeLike(pattern.slice(1, -1)) : null;
}

/** Returns the `order_by` of an order; the id comes last, so that every row has one place. */
export function toOrderBy(order: Order): { readonly [column: string]: string }[] {
  return [...order.map(({ column, isDescending }) => ({ [column]: isDescending ? "desc" : "asc" })), { id: "asc" }];
}

/** Reads the `order` of an address, as `toOrderBy` writes it but for the id. */
export function fromOrderBy(order: unknown, columns: readonly Column[]): Order {
  if (!Array.isArray(order)) return [];
  return order.slice(0, 5).flatMap((item) => {
    const [entry] = isRecord(item) ? Object.entries(item) : [];
    const column = columns.find(({ name, type }) => name === entry?.[0] && type !== "json");
    return column === undefined ? [] : [{ column: column.name, isDescending: entry?.[1] === "desc" }];
  });
}

function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, "\\$&");
}

function unescapeLike(pattern: string): string {
  return pattern.replace(/\\([\\%_])/g, "$1");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}
