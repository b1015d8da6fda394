import { expect, test } from "vitest";
import type { Value } from "./columns";
import { type Change, cellWrites, inverse, realChanges, rowWrites, UndoLog } from "./operations";
import { forSeeds } from "./seeded.test-cases";

type Sheet = Map<string, Record<string, Value>>;

/** Writes as the server does: a row that lost an expected value is left alone. Returns the rows written. */
function write(sheet: Sheet, changes: readonly Change[]): number {
  let written = 0;
  for (const { id, expected, values } of rowWrites(changes)) {
    const row = sheet.get(id) ?? {};
    if (!Object.entries(expected).every(([column, value]) => row[column] === value)) continue;
    sheet.set(id, { ...row, ...values });
    written += 1;
  }
  return written;
}

test("undoing everything leads back to the beginning, and redoing everything to the end", () => {
  forSeeds((random) => {
    const sheet: Sheet = new Map(["p", "q", "r"].map((id) => [id, { a: 0, b: null }]));
    const begin = structuredClone([...sheet]);
    const log = new UndoLog();
    for (let step = 0; step < 8; step += 1) {
      const changes: Change[] = Array.from({ length: 1 + random.below(3) }, () => {
        const [id, column] = [random.pick(["p", "q", "r"]), random.pick(["a", "b"])];
        return { id, column, before: sheet.get(id)?.[column] ?? null, after: random.below(50) };
      });
      const distinct = changes.filter(
        (item, index) => changes.findIndex((other) => other.id === item.id && other.column === item.column) === index,
      );
      const real = realChanges(distinct);
      write(sheet, real);
      log.record({ kind: "change", changes: real, added: [] });
    }
    const end = structuredClone([...sheet]);
    for (let done = log.undo(); done !== null; done = log.undo()) {
      if (done.kind === "change") write(sheet, inverse(done.changes));
    }
    expect([...sheet]).toEqual(begin);
    for (let again = log.redo(); again !== null; again = log.redo()) {
      if (again.kind === "change") write(sheet, again.changes);
    }
    expect([...sheet]).toEqual(end);
  });
});

test("what somebody else wrote since is left alone, in that cell only", () => {
  const changes: Change[] = [
    { id: "p", column: "a", before: 1, after: 2 },
    { id: "p", column: "b", before: 5, after: 6 },
  ];
  const sheet: Sheet = new Map([["p", { a: 2, b: 77 }]]);
  const [whole] = rowWrites(inverse(changes));
  expect(write(sheet, inverse(changes))).toBe(0);
  expect(whole && cellWrites(whole)).toEqual([
    { id: "p", expected: { a: 2 }, values: { a: 1 } },
    { id: "p", expected: { b: 6 }, values: { b: 5 } },
  ]);
});

test("a new operation ends what could be redone; only the last 100 are kept", () => {
  const log = new UndoLog();
  for (let index = 0; index < 130; index += 1) log.record({ kind: "delete", rows: [] });
  let undone = 0;
  while (log.undo() !== null) undone += 1;
  expect(undone).toBe(100);
  log.record({ kind: "delete", rows: [] });
  expect(log.redo()).toBeNull();
});
