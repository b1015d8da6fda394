import type { Row, Value } from "./columns";
import type { Order, Where } from "./filter";

/** One column that rows are ordered by, as PostgreSQL does: NULL is greater than every value. */
type Part = { readonly column: string; readonly isDescending: boolean };

/** Returns the order with the id at its end; `isBackwards` turns all of it around. */
export function fullOrder(order: Order, isBackwards: boolean): readonly Part[] {
  const own = order.filter(({ column }) => column !== "id");
  const id = order.find(({ column }) => column === "id") ?? { column: "id", isDescending: false };
  return [...own, id].map(({ column, isDescending }) => ({ column, isDescending: isDescending !== isBackwards }));
}

/** Returns the `where` of rows that come after `row` in an order. */
export function after(row: Row, order: readonly Part[], notNull: ReadonlySet<string>): Where {
  const alternatives: Where[] = [];
  const equal: Where[] = [];
  for (const { column, isDescending } of order) {
    const value = column === "id" ? row.id : (row.values[column] ?? null);
    const beyond = beyondOf(value, isDescending, notNull.has(column));
    if (beyond !== null) alternatives.push({ _and: [...equal, ...beyond.map((part) => either(column, part))] });
    equal.push({ [column]: value === null ? { _is_null: true } : { _eq: value } });
  }
  const [first] = order;
  if (first === undefined || !notNull.has(first.column)) return { _or: alternatives };
  // Says again what follows from the rest: an index on the first column can begin here instead of at its start.
  const value = first.column === "id" ? row.id : (row.values[first.column] ?? null);
  return { _and: [{ [first.column]: { [first.isDescending ? "_lte" : "_gte"]: value } }, { _or: alternatives }] };
}

function either(column: string, comparisons: readonly Where[]): Where {
  const parts = comparisons.map((comparison) => ({ [column]: comparison }));
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : { _or: parts };
}

/** Returns what a value beyond `value` is like, as a conjunction of disjunctions; null if there is none. */
function beyondOf(value: Value, isDescending: boolean, isNeverNull: boolean): Where[][] | null {
  if (isDescending) return value === null ? [[{ _is_null: false }]] : [[{ _lt: value }]];
  if (value === null) return null;
  return [isNeverNull ? [{ _gt: value }] : [{ _gt: value }, { _is_null: true }]];
}
