import { expect, test } from "vitest";
import { ownPath } from "./own-path";

test.each(["/", "/acme", "/acme/orders?x=1#y", "/api/apps/graphql/?app=1&table=orders"])("%s is ours", (path) => {
  expect(ownPath(path)).toBe(path);
});

test.each([
  undefined,
  "",
  "https://evil.test/",
  "//evil.test/",
  "/\\evil.test",
  "/\t/evil.test",
  "/\n/evil.test",
  "javascript:alert(1)",
  "acme",
])("%j leads home", (path) => {
  expect(ownPath(path)).toBe("/");
});
