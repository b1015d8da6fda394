import { expect, test } from "vitest";
import { badge, targetOf, targetOfUrl, withArrived, withMarked } from "./inbox";

const item = (id: number) => ({ id, read_at: null });
const list = { pages: [{ results: [item(3), item(2)] }, { results: [item(1)] }], pageParams: ["", "x"] };

test("what arrives comes first, and once", () => {
  expect(withArrived(list, item(4)).pages[0]?.results.map(({ id }) => id)).toEqual([4, 3, 2]);
  expect(withArrived(list, item(1))).toBe(list);
  expect(withArrived({ pages: [], pageParams: [] }, item(1)).pages).toEqual([]);
});

test("one item is marked, wherever it stands", () => {
  const marked = withMarked(list, 1, "2026-01-01T00:00:00Z");
  expect(marked.pages.flatMap(({ results }) => results.map(({ read_at }) => read_at !== null))).toEqual([
    false,
    false,
    true,
  ]);
  expect(withMarked(marked, 1, null)).toEqual(list);
});

test("a badge ends at a hundred", () => {
  expect([0, 7, 99, 100, 500].map(badge)).toEqual(["0", "7", "99", "99+", "99+"]);
});

const plain = { actions: [], run_id: null, app_id: 7, data: null };

test("a notification leads to its first button, else to its run, else nowhere", () => {
  expect(targetOf({ ...plain, actions: [{ url: "/acme/shop" }], run_id: 3 }, "acme")).toEqual({
    href: "/acme/shop",
    isPage: true,
  });
  expect(targetOf({ ...plain, run_id: 3 }, "acme")).toEqual({ href: "/acme/runs/3", isPage: true });
  expect(targetOf(plain, "acme")).toBeNull();
});

test.each([
  [{ app: "shop", table: "orders", import_id: 5 }, "/acme/shop/tables/orders/imports/5"],
  [{ app: "inbox", table: "orders", export_id: 5 }, "/acme/7/tables/orders/imports"],
  // A script may send anything.
  [{ app: "../x", table: "a/b", import_id: 5 }, "/acme/..%2Fx/tables/a%2Fb/imports/5"],
  [{ app: "shop", table: "orders", import_id: "5" }, undefined],
  [{ app: 1, table: "orders", import_id: 5 }, undefined],
])("%j leads to %s", (data, href) => {
  expect(targetOf({ ...plain, data }, "acme")?.href).toBe(href);
});

test.each([
  ["https://example.com/x", false],
  ["//example.com", false],
  ["/api/files/?link=x", false],
  ["/help/tables", false],
  ["/", false],
  ["/account", true],
  ["/acme", true],
  ["/acme?x=1", true],
])("%s is a page of the console: %s", (url, isPage) => {
  expect(targetOfUrl(url)).toEqual({ href: url, isPage });
});
