import { expect, test } from "vitest";
import type { Copied } from "./clipboard";
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

test("a cell is read by the number behind its text where the column has use for it, and NULL is NULL", () => {
  const typed = (type: string, isRequired = false): Column => ({
    name: type,
    type,
    isRequired,
    hasDefault: false,
    isEditable: true,
    choices: [],
    reference: null,
  });
  const read = (cell: Copied, column: Column, locale = "de-DE") => {
    const { added, bad } = planPaste([[cell]], [], [column], 0, locale);
    return bad[0]?.reason ?? added[0]?.[column.name];
  };
  expect(read({ text: "1,2 Tsd. €", number: "1234.5" }, typed("numeric"))).toBe("1234.5");
  expect(read({ text: "1,13", number: "1.125" }, typed("numeric"))).toBe("1.125");
  expect(read({ text: "1,2 Tsd. €", number: "1234.5" }, typed("text"))).toBe("1,2 Tsd. €");
  expect(read({ text: "3/14/23", number: "45000" }, typed("date"))).toBe("2023-03-15");
  expect(read({ text: "14.3.2023 12:00", number: "44999.5" }, typed("timestamptz"))).toMatch(/^2023-03-14T12:00:00/);
  expect(read({ text: "45000", number: "45000" }, typed("date"))).toMatch(/Write a date/);
  expect(read(null, typed("text"))).toBeNull();
  expect(read("", typed("text"))).toBe("");
  expect(read(null, typed("text", true))).toBe("This column must not be empty.");
});
