import type { Check } from "../api";

type Where = { _and: unknown[] };

/** Returns the grid's filter for the rows that lack a value; null where there is no such column yet. */
export function whereEmpty(check: Check): Where | null {
  const column = check.filter_column;
  return check.kind === "required" && column !== null ? { _and: [{ [column]: { _is_null: true } }] } : null;
}

/** Returns for each failing value that is known the grid's filter that shows its rows; `type` is the column's now. */
export function valuesOf(check: Check, type: string): { value: string; where: Where }[] {
  const column = check.filter_column;
  if (check.kind === "required" || column === null || type === "json") return [];
  const values = new Set(check.examples.flatMap(({ value }) => (value === null ? [] : [value])));
  return [...values].map((value) => ({ value, where: { _and: [{ [column]: { _eq: typed(type, value) } }] } }));
}

function typed(type: string, value: string): unknown {
  if (type === "integer" || type === "float") return Number(value);
  return type === "boolean" ? value === "true" : value;
}
