import { expect, test } from "vitest";
import { forSeeds } from "./seeded.test-cases";
import { columnAt, columnsAt, edgesOf, heightOf, maxHeight, scrollTo, viewAt } from "./viewport";

test("after scrolling to a row it is in view, in tables of any length", () => {
  forSeeds((random) => {
    const rows = { count: 1 + random.below(random.pick([10, 3_000, 5_000_000])), height: random.pick([28, 34, 44]) };
    const viewHeight = 200 + random.below(800);
    const laid = heightOf(rows);
    const scrollTop = random.below(Math.max(1, laid - viewHeight));
    const row = random.below(rows.count);
    const target = scrollTo(row, scrollTop, viewHeight, rows);
    const view = viewAt(target ?? scrollTop, viewHeight, rows, 0);
    expect(row).toBeGreaterThanOrEqual(view.first);
    expect(row).toBeLessThanOrEqual(view.last);
    expect(laid).toBeLessThanOrEqual(maxHeight);
  });
});

test("the end of the scroll bar is the last row, and few rows are painted anywhere", () => {
  for (const count of [1, 100_000, 2_000_000]) {
    const rows = { count, height: 34 };
    const view = viewAt(Math.max(0, heightOf(rows) - 600), 600, rows, 4);
    expect(view.last).toBe(count - 1);
    expect(view.last - view.first).toBeLessThan(30);
    expect(viewAt(0, 600, rows, 4).first).toBe(0);
  }
});

test("the column at a place is the one whose edges are around it", () => {
  forSeeds((random) => {
    const edges = edgesOf(Array.from({ length: 1 + random.below(300) }, () => 40 + random.below(300)));
    const left = random.below(edges.at(-1) ?? 1);
    const column = columnAt(edges, left);
    expect(edges[column]).toBeLessThanOrEqual(left);
    expect(edges[column + 1]).toBeGreaterThan(left);
    const [first, last] = columnsAt(edges, left, 700);
    expect(first <= column && column <= last && last <= edges.length - 2).toBe(true);
  });
});
