import { expect, test } from "vitest";
import { initialsOf } from "./names";

test.each([
  ["Ann Example", "AE"],
  ["ann", "A"],
  ["ann.example@example.com", "AE"],
  ["Ann Maria van Example", "AE"],
  ["😀 Zażółć", "😀Z"],
  ["عمر", "ع"],
  ["@", "?"],
  ["", "?"],
])("%s is %s", (name, initials) => {
  expect(initialsOf(name)).toBe(initials);
});
