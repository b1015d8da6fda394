import { expect, test } from "vitest";
import { forSeeds } from "./seeded.test-cases";
import { allOf, at, countOf, move, rangeOf, type Selection, start, widen } from "./selection";

const keys = [
  "ArrowUp",
  "ArrowDown",
  "ArrowLeft",
  "ArrowRight",
  "Home",
  "End",
  "PageUp",
  "PageDown",
  "Enter",
  "Tab",
] as const;

test("no sequence of keys leaves the grid, and only Shift keeps the anchor", () => {
  forSeeds((random) => {
    const size = { rows: 1 + random.below(30), columns: 1 + random.below(6) };
    let selection: Selection = start;
    for (let step = 0; step < 30; step += 1) {
      const key = { key: random.pick(keys), ctrl: random.below(3) === 0, shift: random.below(3) === 0, page: 7 };
      const next = move(selection, size, key);
      if (next === null) throw new Error("every one of these keys moves");
      const range = rangeOf(next);
      expect(range.top >= 0 && range.bottom < size.rows && range.left >= 0 && range.right < size.columns).toBe(true);
      const keeps = key.shift && key.key !== "Tab" && key.key !== "Enter";
      expect(next.anchor).toEqual(keeps ? selection.anchor : next.active);
      selection = next;
    }
  });
});

test("a step and the step back lead to the same cell, away from the edges", () => {
  const size = { rows: 100, columns: 100 };
  for (const [there, back] of [
    ["ArrowUp", "ArrowDown"],
    ["ArrowLeft", "ArrowRight"],
    ["PageDown", "PageUp"],
  ] as const) {
    const begin = at({ row: 50, column: 50 });
    const gone = move(begin, size, { key: there, ctrl: false, shift: false, page: 9 }) ?? begin;
    expect(gone).not.toEqual(begin);
    expect(move(gone, size, { key: back, ctrl: false, shift: false, page: 9 })).toEqual(begin);
  }
});

test.each([
  ["ArrowDown", { row: 99, column: 2 }],
  ["ArrowUp", { row: 0, column: 2 }],
  ["ArrowRight", { row: 5, column: 9 }],
  ["Home", { row: 0, column: 0 }],
  ["End", { row: 99, column: 9 }],
])("Ctrl-%s goes to the edge", (key, cell) => {
  const size = { rows: 100, columns: 10 };
  expect(move(at({ row: 5, column: 2 }), size, { key, ctrl: true, shift: false, page: 1 })?.active).toEqual(cell);
});

test("rows, columns and all are ranges from edge to edge", () => {
  const size = { rows: 4, columns: 3 };
  const cell = at({ row: 2, column: 1 });
  expect(countOf(rangeOf(widen(cell, size, "rows")))).toBe(3);
  expect(countOf(rangeOf(widen(cell, size, "columns")))).toBe(4);
  expect(countOf(rangeOf(allOf(size)))).toBe(12);
  expect(move(cell, size, { key: "a", ctrl: false, shift: false, page: 1 })).toBeNull();
});
