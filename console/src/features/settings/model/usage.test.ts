import { expect, test } from "vitest";
import { heightOf, nameOfDay } from "./usage";

test("a bar is as high as its share, and seen however small", () => {
  expect(heightOf(0, 10)).toBe("0");
  expect(heightOf(5, 10)).toBe("max(2px, 50%)");
});

test("a day stays the day that it is in UTC", () => {
  expect(nameOfDay("2026-11-01")).toContain("1");
  expect(nameOfDay("2026-11-01")).toContain("Nov");
});
