import { expect, test, vi } from "vitest";
import { CellPresence, marksOf } from "./cells";

const ann = { id: 1, name: "Ann Example", edits: [{ row: "r", column: "code" }] };
const bob = {
  id: 2,
  name: "bob@example.com",
  edits: [
    { row: "r", column: "code" },
    { row: "s", column: "note" },
  ],
};

test("a cell has the marks of all who edit it", () => {
  const marks = marksOf([ann, bob]);
  expect(marks.get("r")?.get("code")).toEqual({ initials: "AE B", names: "Ann Example, bob@example.com" });
  expect(marks.get("s")?.get("note")).toEqual({ initials: "B", names: "bob@example.com" });
  expect(marksOf([{ ...ann, edits: [] }]).size).toBe(0);
});

test("listeners hear of cells only, and the connection of each edit once", () => {
  const cells = new CellPresence();
  const [heard, told] = [vi.fn(), vi.fn()];
  cells.subscribe(heard);
  cells.onEdit = told;
  cells.show([{ ...ann, edits: [] }]);
  expect(heard).not.toHaveBeenCalled();
  cells.show([ann]);
  cells.show([]);
  expect(heard).toHaveBeenCalledTimes(2);
  cells.edit({ row: "r", column: "code" });
  cells.edit({ row: "r", column: "code" });
  cells.edit(null);
  expect(told.mock.calls).toEqual([[{ row: "r", column: "code" }], [null]]);
});
