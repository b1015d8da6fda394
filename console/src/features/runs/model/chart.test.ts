import { expect, test } from "vitest";
import { choicesOf, firstChoice, maxPoints, pointsOf, ticksOf } from "./chart";
import { rowsOf } from "./results";

function rows(list: unknown) {
  const found = rowsOf(list);
  if (found === null) throw new Error("not a table");
  return found;
}

test("a list with a number and something to tell its rows apart can be drawn", () => {
  const sales = rows([
    { id: 1, day: "2026-11-02", shop: "North", total: "12.50", ok: true },
    { id: 2, day: "2026-11-01", shop: "South", total: null, ok: true },
  ]);
  const choices = choicesOf(sales);
  expect(choices).toEqual({
    values: ["id", "total"],
    labels: ["id", "day", "shop", "total", "ok"],
    times: ["day"],
  });
  expect(choices && firstChoice(choices)).toEqual({ kind: "line", label: "day", value: "total" });
});

test("without a time the first texts are the labels", () => {
  const choices = choicesOf(rows([{ shop: "North", orders: 3 }]));
  expect(choices && firstChoice(choices)).toEqual({ kind: "bar", label: "shop", value: "orders" });
  const numbers = choicesOf(rows([{ year: 2025, orders: 3 }]));
  expect(numbers && firstChoice(numbers)).toEqual({ kind: "bar", label: "year", value: "orders" });
});

test.each([
  [[{ a: 1 }]],
  [[{ a: "x", b: "007" }]],
  [[{ a: { b: 1 }, c: 1 }]],
  [[{ a: "x", b: Number.NaN }]],
  [[{ a: "x", b: null }]],
])("%j cannot", (list) => {
  expect(choicesOf(rows(list))).toBeNull();
});

test("times are in their order, rows without a number are left out, and what is not drawn is counted", () => {
  const days = rows([
    { day: "2026-11-02", total: 2 },
    { day: "2026-11-01", total: 1 },
    { day: "2026-11-03", total: null },
  ]);
  expect(pointsOf(days, "day", "total", "line", true).points.map(({ value }) => value)).toEqual([1, 2]);
  const many = rows(Array.from({ length: 250 }, (_, index) => ({ name: `n${index}`, total: index })));
  const { points, left } = pointsOf(many, "name", "total", "bar", false);
  expect([points.length, left]).toEqual([maxPoints.bar, 50]);
});

test.each([
  [
    [3, 7],
    [0, 2, 4, 6, 8],
  ],
  [
    [0.1, 0.35],
    [0, 0.1, 0.2, 0.3, 0.4],
  ],
  [
    [-5, 5],
    [-5, 0, 5],
  ],
  [[0], [0, 0.5]],
  [[-3], [-3, -2, -1, 0]],
  [[1e9], [0, 5e8, 1e9]],
])("the axis of %j", (values, ticks) => {
  expect(ticksOf(values.map((value) => ({ label: "", value, at: null })))).toEqual(ticks);
});
