import { expect, test } from "vitest";
import type { RejectedRow } from "../api";
import { keptEdits, readEdits, repairsOf, tally, withEdit } from "./repairs";

const row = (line: number): RejectedRow => ({
  line,
  revision: 3,
  raw: null,
  values: [{ column: "amount", value: "x" }],
  reasons: [],
});

test("only what differs is an edit", () => {
  const edits = withEdit({}, row(2), "amount", "1");
  expect(edits).toEqual({ 2: { amount: "1" } });
  expect(withEdit(edits, row(2), "amount", "x")).toEqual({});
});

test("edited rows are sent, and all of them when none was edited", () => {
  const rows = [row(2), row(5)];
  expect(repairsOf(rows, { 5: { amount: "1" } })).toEqual([{ line: 5, revision: 3, values: { amount: "1" } }]);
  expect(repairsOf(rows, {}).map(({ line }) => line)).toEqual([2, 5]);
});

test("what somebody else has changed meanwhile stays typed", () => {
  const results = [
    { line: 2, outcome: "imported" as const, row: null },
    { line: 5, outcome: "changed" as const, row: row(5) },
    { line: 6, outcome: "rejected" as const, row: row(6) },
  ];
  const edits = { 2: { amount: "1" }, 5: { amount: "2" }, 6: { amount: "3" } };
  expect(keptEdits(edits, results)).toEqual({ 5: { amount: "2" } });
  expect(tally(results)).toEqual({ imported: 1, rejected: 1, changed: 1 });
});

test("edits are read back from their draft", () => {
  const edits = { 2: { amount: "1" }, 5: { note: "" } };
  expect(readEdits(JSON.stringify(edits))).toEqual(edits);
  expect(readEdits("3")).toEqual({});
});
