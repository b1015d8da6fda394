import { expect, test } from "vitest";
import { timeOf, totalOf } from "./bars";

const bucket = (start: string) => ({ start, completed: 1, failed: 2, stopped: 3, open: 4 });
const histogram = {
  bucket_seconds: 3600,
  buckets: ["2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z", "2026-03-01T12:00:00Z"].map(bucket),
};

test("bars from either side are the same time, both ends within", () => {
  const time = { from: "2026-03-01T10:00:00.000Z", to: "2026-03-01T12:00:00.000Z" };
  expect(timeOf(histogram, 0, 1)).toEqual(time);
  expect(timeOf(histogram, 1, 0)).toEqual(time);
  expect(timeOf(histogram, 2, 2)).toEqual({ from: "2026-03-01T12:00:00.000Z", to: "2026-03-01T13:00:00.000Z" });
  expect(timeOf(histogram, 0, 9)).toBeNull();
  expect(totalOf(bucket(""))).toBe(10);
});
