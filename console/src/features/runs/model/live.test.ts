import { expect, test } from "vitest";
import { type LiveList, withChanged, withFresh, without } from "./live";

type Run = { id: number; state: string };
const run = (id: number, state = "running"): Run => ({ id, state });

test("whatever comes in whatever order, what is shown keeps its order and nothing is doubled", () => {
  let list: LiveList<Run> = { shown: [run(9), run(7), run(5)], fresh: [] };
  for (const change of [run(12), run(7, "failed"), run(10), run(6), run(12, "completed"), run(3)]) {
    list = withChanged(list, change);
  }
  expect(list.shown).toEqual([run(9), run(7, "failed"), run(5)]);
  expect(list.fresh).toEqual([run(12, "completed"), run(10)]);
  expect(without(list, 10).fresh).toEqual([run(12, "completed")]);
  expect(withFresh(list)).toEqual({
    shown: [run(12, "completed"), run(10), run(9), run(7, "failed"), run(5)],
    fresh: [],
  });
});

test("the first run of an empty list waits to be shown, too", () => {
  expect(withChanged({ shown: [], fresh: [] }, run(1)).fresh).toEqual([run(1)]);
});
