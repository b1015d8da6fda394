import { expect, test } from "vitest";
import { applied } from "./edits";
import { readEdits, readItems, readLocations, readSignature } from "./wire";

const at = (line: number, character: number) => ({ line, character });

test("edits are put in from the end, so that places stay right", () => {
  const edits = [
    { range: { start: at(0, 4), end: at(0, 9) }, text: "sum" },
    { range: { start: at(1, 0), end: at(1, 0) }, text: "# first\n" },
    { range: { start: at(9, 0), end: at(9, 9) }, text: "end\n" },
  ];
  expect(applied("def total():\n    pass\n", edits)).toBe("def sum():\n# first\n    pass\nend\n");
});

test("an answer of another shape is read as nothing", () => {
  for (const odd of [null, 1, "x", [1, null], { items: 1, signatures: "x", changes: [] }]) {
    expect(readItems(odd)).toEqual([]);
    expect(readEdits(odd).size).toBe(0);
    expect(readLocations(odd === 1 ? null : [])).toEqual([]);
    expect(readSignature(odd)).toBeNull();
  }
});

test("what is put in may differ from what is listed", () => {
  const answer = { items: [{ label: "'orders'", insertText: "orders", kind: 12 }, { label: "graphql" }] };
  expect(readItems(answer).map(({ label, insert }) => [label, insert])).toEqual([
    ["'orders'", "orders"],
    ["graphql", "graphql"],
  ]);
});
