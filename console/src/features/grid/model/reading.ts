import { exactDigits } from "@/api/exact";
import { isRecord } from "@/api/graphql";
import { type Column, isValue, type Row, type Table, type Value } from "./columns";

/** Returns what a query asks for of these columns, and of the rows that they refer to. */
export function fieldsOf(columns: readonly Column[]): string {
  const names = new Set(["id", "updated_at", ...columns.map(({ name }) => name)]);
  const references = columns.flatMap(({ reference }) =>
    reference === null ? [] : [`${reference.relationship} { id label: ${reference.label} }`],
  );
  return [...names, ...references].join(" ");
}

/** Reads the values of an aggregate by column. */
export function readValues(record: unknown): Record<string, Value> {
  return isRecord(record)
    ? Object.fromEntries(Object.entries(record).map(([name, value]) => [name, readValue(value, false)]))
    : {};
}

/** Returns a cell's value; digits that a double would change become text, but inside of JSON they stay what they are. */
export function readValue(value: unknown, isJson: boolean): Value {
  if (!isJson) {
    const digits = exactDigits(value);
    if (digits !== null) return digits;
  }
  return isValue(value) ? value : null;
}

/** Reads a row as GraphQL answers it. */
export function readRow(row: Record<string, unknown>, table: Table): Row {
  const labels: Record<string, Value> = {};
  for (const { name, reference } of table.columns) {
    const referenced = reference === null ? null : row[reference.relationship];
    if (isRecord(referenced)) labels[name] = readValue(referenced.label, false);
  }
  const values = Object.fromEntries(
    table.columns.flatMap(({ name, type }) =>
      name in row ? [[name, readValue(row[name], type === "json")] as const] : [],
    ),
  );
  return { id: String(row.id), updatedAt: String(row.updated_at), values, labels };
}
