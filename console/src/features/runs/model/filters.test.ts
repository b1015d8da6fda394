import { describe, expect, test } from "vitest";
import { isFiltered, outcomesOf, readFilters, withOutcomes } from "./filters";

describe("filters in the address", () => {
  test("what is ours is read, what is not is left out", () => {
    expect(
      readFilters({
        state: ["failed", "nonsense", "failed"],
        cause: "webhook",
        action: "7",
        user: -1,
        from: "2026-01-02T03:04:05+01:00",
        to: "yesterday",
        text: 118,
        more: true,
      }),
    ).toEqual({ state: ["failed"], cause: ["webhook"], action: 7, from: "2026-01-02T02:04:05.000Z", text: "118" });
  });

  test("reading is idempotent", () => {
    const once = readFilters({ state: "pending", text: "  x ", action: 3 });
    expect(readFilters({ ...once })).toEqual(once);
  });

  test.each([{}, { state: "none" }, { text: "   " }, { action: 2 ** 40 }, { from: {} }])(
    "%o filters nothing",
    (search) => {
      expect(isFiltered(readFilters(search))).toBe(false);
    },
  );
});

test("outcomes and states stand for each other", () => {
  const filters = withOutcomes({ text: "x" }, ["waiting", "failed"]);
  expect(filters).toEqual({ text: "x", state: ["pending", "claimed", "failed"] });
  expect(outcomesOf(filters)).toEqual(["waiting", "failed"]);
  expect(withOutcomes(filters, [])).toEqual({ text: "x" });
  expect(outcomesOf({ state: ["pending"] })).toEqual([]);
});
