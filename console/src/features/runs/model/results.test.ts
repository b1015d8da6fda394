import { expect, test } from "vitest";
import { rowsOf } from "./results";

test("a list of objects is a table with every column that occurs", () => {
  const rows = [{ a: 1 }, { b: 2, a: null }];
  expect(rowsOf(rows)).toEqual({ columns: ["a", "b"], rows });
  expect(rowsOf({ rows })).toEqual({ columns: ["a", "b"], rows });
});

test("anything else is none", () => {
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`c${index}`, 1]));
  for (const value of [null, 1, "x", [], [1], [{ a: 1 }, 2], {}, { a: [{ b: 1 }], c: 1 }, [many]]) {
    expect(rowsOf(value)).toBeNull();
  }
});
