import { expect, test } from "vitest";
import { inputOfRows, selectedRowsOf } from "./selected-rows";

test("rows are read from the state of a place, whatever stands there", () => {
  expect(selectedRowsOf({ selectedRows: { table: "orders", ids: ["a", 1, "b"] } })).toEqual({
    table: "orders",
    ids: ["a", "b"],
  });
  for (const state of [null, {}, { selectedRows: { table: "orders", ids: [] } }, { selectedRows: "x" }])
    expect(selectedRowsOf(state)).toBeNull();
});

test("rows go into the field that takes a list of them", () => {
  const rows = { table: "orders", ids: ["a"] };
  const ids = { type: "array", items: { type: "string" } };
  const numbers = { type: "array", items: { type: "integer" } };
  expect(inputOfRows({ properties: { since: { type: "string" }, numbers, ids } }, rows)).toEqual({ ids: ["a"] });
  expect(inputOfRows({ properties: { numbers } }, rows)).toEqual({});
  expect(inputOfRows({ properties: { ids } }, null)).toEqual({});
  expect(inputOfRows(null, rows)).toEqual({});
});
