import { expect, test } from "vitest";
import type { Column } from "./columns";
import { type Condition, fromOrderBy, fromWhere, noFilter, operatorsOf, toOrderBy, toWhere } from "./filter";
import { forSeeds } from "./seeded.test-cases";

const columns: Column[] = ["text", "integer", "choice", "date", "boolean", "json", "reference"].map((type) => ({
  name: `${type}_column`,
  type,
  isRequired: false,
  hasDefault: false,
  isEditable: true,
  choices: [],
  reference: null,
}));

test("a filter survives its way into an address and back", () => {
  forSeeds((random) => {
    const conditions = Array.from({ length: random.below(5) }, (): Condition => {
      const column = random.pick(columns);
      const operator = random.pick(operatorsOf(column));
      const text = random.text("a%_\\é", 6);
      if (operator === "empty" || operator === "not empty") return { column: column.name, operator, value: null };
      return { column: column.name, operator, value: operator === "one of" ? [text] : text };
    });
    const filter = { conditions, search: random.text("x%_\\", 4) };
    const carried: unknown = JSON.parse(JSON.stringify(toWhere(filter, columns)));
    expect(fromWhere(carried, columns)).toEqual(filter);
  });
});

test.each([
  null,
  "x",
  12,
  [],
  { _and: 3 },
  { _and: [null, [], "x", {}] },
  { _and: [{ other_column: { _eq: 1 } }] },
  { _and: [{ text_column: { _in: [1], _eq: 2 } }] },
  { _and: [{ json_column: { _eq: 1 } }] },
  { _and: [{ integer_column: { _ilike: "%1%" } }] },
  { _and: [{ text_column: { _eq: { a: 1 } } }] },
  { _and: [{ __proto__: { _eq: 1 } }] },
])("an address with %j filters nothing", (where) => {
  expect(fromWhere(where, columns)).toEqual(noFilter);
});

test("an order survives too, and ends with the id", () => {
  const order = [
    { column: "text_column", isDescending: true },
    { column: "date_column", isDescending: false },
  ];
  expect(toOrderBy(order)).toEqual([{ text_column: "desc" }, { date_column: "asc" }, { id: "asc" }]);
  expect(fromOrderBy(toOrderBy(order), columns)).toEqual(order);
  expect(fromOrderBy([{ json_column: "asc" }, 3, null, { nothing: "asc" }], columns)).toEqual([]);
});
