import { expect, test } from "vitest";
import type { Column, Row } from "./columns";
import { coverOf, planPaste } from "./paste";
import { forSeeds } from "./seeded.test-cases";

const columns: Column[] = (["id", "text", "integer"] as const).map((type) => ({
  name: type,
  type: type === "id" ? "uuid" : type,
  isRequired: false,
  hasDefault: false,
  isEditable: type !== "id",
  choices: [],
  reference: null,
}));

function rowsOf(count: number): Row[] {
  return Array.from({ length: count }, (_, index) => ({
    id: String(index),
    updatedAt: "",
    labels: {},
    values: { text: "a", integer: 1 },
  }));
}

test("every pasted cell is a change, part of a new row, bad, left out, or the same as before", () => {
  forSeeds((random) => {
    const width = 1 + random.below(4);
    const cells = Array.from({ length: 1 + random.below(6) }, () =>
      Array.from({ length: width }, () => random.pick(["a", "b", "1", "2", "x1"])),
    );
    const rows = rowsOf(random.below(6));
    const plan = planPaste(cells, rows, columns, 10, "en-GB");
    const inNew = plan.added.reduce((sum, object) => sum + Object.keys(object).length, 0);
    const changes = new Map(plan.changes.map((change) => [`${change.id} ${change.column}`, change.after]));
    let same = 0;
    cells.slice(0, rows.length).forEach((texts, index) => {
      texts.forEach((text, position) => {
        const column = columns[position];
        if (column?.isEditable && text === String(rows[index]?.values[column.name])) same += 1;
      });
    });
    expect(changes.size + inNew + plan.bad.length + plan.skipped + same).toBe(cells.length * width);
    for (const bad of plan.bad) expect(cells[bad.row - 10]).toContain(bad.text);
  });
});

test("one cell pasted into a range fills it", () => {
  const cover = coverOf([["x"]], { top: 3, bottom: 5, left: 1, right: 2 });
  expect([cover.rows, cover.columns, cover.cells[2]]).toEqual([3, 2, ["x", "x"]]);
});
