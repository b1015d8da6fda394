import { expect, test } from "vitest";
import { relativeTime } from "./time";

const now = Date.parse("2030-01-08T12:00:00Z");

test.each([
  ["2030-01-08T12:00:30Z", "just now"],
  ["2030-01-08T11:59:30Z", "just now"],
  ["2030-01-08T11:58:01Z", "1 minute ago"],
  ["2030-01-01T12:00:01Z", "6 days ago"],
  ["2030-01-15T11:59:30Z", "in 7 days"],
  ["2030-01-08T14:00:00Z", "in 2 hours"],
])("%s is %s", (at, words) => {
  expect(relativeTime(at, now)).toBe(words);
});
