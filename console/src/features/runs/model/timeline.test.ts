import { expect, test } from "vitest";
import { stagesOf } from "./timeline";

const at = (second: number) => new Date(second * 1000).toISOString();

test("a run that has ended waited and ran", () => {
  const run = { created_at: at(0), started_at: at(5), finished_at: at(20) };
  expect(stagesOf(run, 9e12)).toEqual([
    { name: "waited", from: at(0), seconds: 5, begin: 0, width: 25 },
    { name: "ran", from: at(5), seconds: 15, begin: 25, width: 75 },
  ]);
});

test("a run that waits has waited until now, and never less than nothing", () => {
  const run = { created_at: at(10), started_at: null, finished_at: null };
  expect(stagesOf(run, 14_000)).toEqual([{ name: "waited", from: at(10), seconds: 4, begin: 0, width: 100 }]);
  expect(stagesOf(run, 0)[0]?.seconds).toBe(0);
});
