import { expect, test } from "vitest";
import type { Table } from "@/features/grid";
import { contentOf, isSameArrangement, noArrangement, readArrangement } from "./arrangement";

const column = { isRequired: false, hasDefault: false, isEditable: true, choices: [], reference: null };
const table: Table = {
  name: "orders",
  graphqlName: "app_1_orders",
  columns: [
    { ...column, name: "code", type: "text" },
    { ...column, name: "total", type: "numeric" },
  ],
  unique: {},
};

test("what a view stores is what is read of it", () => {
  const arrangement = {
    where: { _and: [{ total: { _gt: 5 } }] },
    order: [{ code: "desc" }],
    group: "code",
    layout: { order: ["total", "code"], hidden: ["code"], widths: { total: 90 } },
  };
  const content: unknown = JSON.parse(JSON.stringify(contentOf(arrangement, table)));
  const read = readArrangement(content as Record<string, unknown>);
  expect(read).toEqual(arrangement);
  expect(isSameArrangement(read, arrangement, table)).toBe(true);
  expect(isSameArrangement(read, noArrangement, table)).toBe(false);
});

test("what the table has lost, and what is no arrangement, is left out", () => {
  const hostile = {
    where: { _and: [{ gone: { _eq: 1 } }] },
    order: [{ gone: "asc" }, 7],
    group: 5,
    hidden: "x",
    widths: { total: "9" },
  };
  const read = readArrangement(hostile);
  expect(contentOf(read, table)).toEqual({ where: {}, order: [], columns: [], hidden: [], widths: {} });
  expect(readArrangement({}).layout).toEqual(noArrangement.layout);
});
