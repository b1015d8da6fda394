import { expect, test } from "vitest";
import type { Row, Value } from "./columns";
import type { Order, Where } from "./filter";
import { after, fullOrder } from "./keyset";
import { forSeeds, type Seeded } from "./seeded.test-cases";
import { blockSize, displacedOf, maxRows, RowWindow } from "./window";

function row(id: string, values: Record<string, Value> = {}): Row {
  return { id, updatedAt: "", values, labels: {} };
}

/** Compares as PostgreSQL orders: NULL is greater than every value. */
function compare(one: Value, other: Value): number {
  if (one === null || other === null) return one === other ? 0 : one === null ? 1 : -1;
  return one === other ? 0 : one < other ? -1 : 1;
}

function fieldOf(item: Row, column: string): Value {
  return column === "id" ? item.id : (item.values[column] ?? null);
}

function sorted(rows: readonly Row[], order: ReturnType<typeof fullOrder>): Row[] {
  return rows.toSorted((one, other) => {
    for (const { column, isDescending } of order) {
      const compared = compare(fieldOf(one, column), fieldOf(other, column));
      if (compared !== 0) return isDescending ? -compared : compared;
    }
    return 0;
  });
}

/** Evaluates a `where` as the engine does: a comparison with NULL is not true. */
function matches(item: Row, where: Where): boolean {
  return Object.entries(where).every(([key, part]) => {
    if (Array.isArray(part)) {
      const parts: boolean[] = part.map((inner) => matches(item, inner));
      return key === "_and" ? parts.every(Boolean) : parts.some(Boolean);
    }
    const [operator, operand] = Object.entries(part ?? {})[0] ?? ["", null];
    const value = fieldOf(item, key);
    if (operator === "_is_null") return (value === null) === operand;
    if (value === null) return false;
    const compared = compare(value, operand);
    if (operator === "_eq") return compared === 0;
    if (operator === "_gt") return compared > 0;
    if (operator === "_gte") return compared >= 0;
    return operator === "_lt" ? compared < 0 : compared <= 0;
  });
}

function someOrder(random: Seeded): Order {
  return (["a", "b"] as const)
    .slice(0, random.below(3))
    .map((column) => ({ column, isDescending: random.below(2) === 0 }));
}

test("the rows after a row, and before it, are those of the order, with NULLs and equals", () => {
  forSeeds((random) => {
    const value = () => random.pick([null, 1, 2, 3]);
    const rows = Array.from({ length: 12 }, (_, index) =>
      row(String.fromCharCode(97 + index), { a: value(), b: value() }),
    );
    const neverNull = rows.every((item) => item.values.a !== null) ? new Set(["id", "a"]) : new Set(["id"]);
    for (const isBackwards of [false, true]) {
      const order = fullOrder(someOrder(random), isBackwards);
      const all = sorted(rows, order);
      all.forEach((item, index) => {
        const rest = all.filter((other) => matches(other, after(item, order, neverNull)));
        expect(rest.map(({ id }) => id)).toEqual(all.slice(index + 1).map(({ id }) => id));
      });
    }
  });
});

const name = (index: number) => `row ${index}`;
const block = (number: number, size = blockSize) =>
  Array.from({ length: size }, (_, index) => row(name(number * blockSize + index)));

test("a block is asked for beside one that is here, at the far end from the end, else by its number", () => {
  const window = new RowWindow();
  expect(window.plan(0)).toEqual({ kind: "offset", offset: 0 });
  window.put(0, block(0), false);
  expect(window.plan(1)).toMatchObject({ kind: "after", row: { id: name(199) } });
  expect(window.plan(300)).toEqual({ kind: "offset", offset: 60_000 });
  window.total = 100_050;
  expect(window.plan(500)).toEqual({ kind: "end", skip: 0, limit: 50 });
  expect(window.plan(499)).toEqual({ kind: "end", skip: 50, limit: 200 });
  window.put(500, block(500, 50), true);
  expect(window.plan(499)).toMatchObject({ kind: "before", row: { id: name(100_000) } });
});

test("however far one scrolls, a bounded number of rows stays, those at the view among them", () => {
  forSeeds((random) => {
    const window = new RowWindow();
    for (let step = 0; step < 60; step += 1) {
      const number = random.below(400);
      window.put(number, block(number), false);
      window.trim(number * blockSize, number * blockSize + 40);
      expect(window.loaded).toBeLessThanOrEqual(maxRows);
      expect(window.at(number * blockSize + 3)?.id).toBe(name(number * blockSize + 3));
    }
  }, 5);
});

test("taking rows out moves up the others; a row that stays is at its place or nowhere", () => {
  forSeeds((random) => {
    const size = 200 + random.below(400);
    const window = new RowWindow();
    for (let number = 0; number * blockSize < size; number += 1) {
      window.put(number, block(number, Math.min(blockSize, size - number * blockSize)), false);
    }
    window.total = size;
    const all = Array.from({ length: size }, (_, index) => name(index));
    const removed = new Set(Array.from({ length: random.below(20) }, () => random.pick(all)));
    window.remove(removed);
    const left = all.filter((id) => !removed.has(id));
    expect(window.length).toBe(left.length);
    const wrong = left.filter(
      (id, index) => (window.at(index)?.id ?? id) !== id || (window.indexOf(id) ?? index) !== index,
    );
    expect(wrong).toEqual([]);
    expect(window.at(0)?.id).toBe(left[0]);
  });
});

test("rows that are added come last, and stay in reach", () => {
  const window = new RowWindow();
  window.put(0, block(0, 3), true);
  window.append(row("new"));
  expect([window.length, window.indexOf("new"), window.at(3)?.id]).toEqual([4, 3, "new"]);
  window.replace(row("new", { a: 1 }));
  expect(window.at(3)?.values.a).toBe(1);
  expect(window.replace(row("elsewhere"))).toBe(false);
});

test("a changed row is displaced if it stands elsewhere among those that have not changed", () => {
  const shown = ["a", "b", "c", "d"];
  expect([...displacedOf(shown, ["b", "c", "a", "d"], new Set(["a"]))]).toEqual(["a"]);
  expect([...displacedOf(shown, ["new", "a", "b", "d"], new Set(["a", "c"]))]).toEqual([]);
  expect([...displacedOf(shown, ["d", "c", "b", "a"], new Set(["b"]))]).toEqual(["b"]);
});
