import { expect, test } from "vitest";
import type { TablePlan } from "../api";
import { appNameOf, changeColumn, changeKey, firstMapping, keysOf, newKey } from "./plan";

const plan: TablePlan = {
  table: "orders",
  columns: [
    { position: 1, name: "code", type: "text" },
    { position: 2, name: "amount", type: "text" },
  ],
  key: ["code"],
};

test("the key follows the name of its column, and goes with it", () => {
  expect(changeColumn(plan, 1, { name: "sku" }).key).toEqual(["sku"]);
  expect(changeColumn(plan, 1, { name: null }).key).toEqual([]);
  expect(changeColumn(plan, 2, { type: "integer" })).toEqual({
    ...plan,
    columns: [plan.columns[0], { position: 2, name: "amount", type: "integer" }],
  });
  expect(changeKey(changeKey(plan, "amount", true), "code", false).key).toEqual(["amount"]);
});

test.each([
  ["big-orders_2026.csv", "Big orders 2026"],
  ["طلبات.xlsx", "طلبات"],
  [".csv", ""],
  ["archive.tar.csv", "Archive.tar"],
])("%s is an app %s", (file, name) => {
  expect(appNameOf(file)).toBe(name);
});

test("a column without a heading of its own is named by its number", () => {
  const columns = ["a", "", "b", "b"].map((header, index) => ({ header, position: index + 1, column: null }));
  expect([...keysOf(columns).values()]).toEqual(["a", "#2", "#3", "#4"]);
});

test("columns go where their names say, each once, others nowhere", () => {
  const columns = ["Order ID", "order-id", "Note"].map((header, index) => ({
    header,
    position: index + 1,
    column: null,
  }));
  expect(firstMapping(columns, ["order_id", "amount"])).toEqual({
    "Order ID": "order_id",
    "order-id": null,
    Note: null,
  });
});

test("keys are UUIDs, and differ", () => {
  expect(newKey()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(newKey()).not.toBe(newKey());
});
