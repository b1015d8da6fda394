import { expect, test } from "vitest";
import { canImport, canRead, canUpdate, closedColumns, importableColumns, readableColumns } from "./rights";

const column = (name: string, is_system = false) => ({
  ...{ name, is_system, type: "text", required: false, default: null, choices: [], position: null },
});
const columns = [column("id", true), column("created_at", true), column("code"), column("price"), column("secret")];
const right = (allowed: boolean, ...names: string[]) => ({ allowed, columns: names, presets: [], is_by_row: false });
const limits = {
  role: "member" as const,
  is_limited: true,
  read: right(true, "code", "price"),
  add: right(true, "code", "secret"),
  change: right(true, "code"),
  delete: right(false),
};

test("without limits everything is open, but what the platform keeps is not filled", () => {
  const table = { columns, limits: null };
  expect([canRead(table), canImport(table), canUpdate(table, ["code"], ["price"])]).toEqual([true, true, true]);
  expect(importableColumns(table)).toEqual(["id", "code", "price", "secret"]);
  expect(closedColumns(table)).toEqual([]);
});

test("a limited role fills and reads its own columns", () => {
  const table = { columns, limits };
  expect(importableColumns(table)).toEqual(["id", "code", "secret"]);
  expect(closedColumns(table)).toEqual(["price"]);
  const preset = { ...limits, add: { ...limits.add, presets: ["price"] } };
  expect(closedColumns({ columns, limits: preset })).toEqual([]);
  expect(readableColumns(table)).toEqual(["id", "created_at", "code", "price"]);
});

test("who may not add, or not read, does not import", () => {
  expect(canImport({ limits: { ...limits, add: right(false) } })).toBe(false);
  expect(canImport({ limits: { ...limits, read: right(false) } })).toBe(false);
  expect(canRead({ limits: { ...limits, read: right(false) } })).toBe(false);
});

test("an update writes the columns beside the key", () => {
  const table = { columns, limits };
  expect(canUpdate(table, ["id"], ["id", "code"])).toBe(true);
  expect(canUpdate(table, ["secret"], ["secret", "code"])).toBe(true);
  expect(canUpdate(table, ["code"], ["code", "secret"])).toBe(false);
  expect(canUpdate({ columns, limits: { ...limits, change: right(false, "code") } }, ["id"], ["code"])).toBe(false);
});
