import { expect, it } from "vitest";
import { allow, differing, isSame, noLimits, permissionOf, writeOf } from "./permission";

it("does not leave rows to be changed that cannot be read", () => {
  const closed = allow(noLimits, "read", false);
  expect([closed.change.allowed, closed.delete.allowed, closed.add.allowed]).toEqual([false, false, true]);
  expect(allow(closed, "delete", true).read.allowed).toBe(true);
});

it("sends what it read, and tells where two differ", () => {
  expect(isSame(permissionOf(null), noLimits)).toBe(true);
  const other = { ...noLimits, read: { ...noLimits.read, columns: ["code"] } };
  expect(differing(noLimits, other)).toEqual(["read"]);
  expect(writeOf(other, 3)).toMatchObject({ base_revision: 3, read: { columns: ["code"] } });
});
