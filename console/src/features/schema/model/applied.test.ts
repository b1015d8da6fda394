import { expect, test } from "vitest";
import { isApplied } from "./applied";
import { newColumn } from "./columns";
import { nothing } from "./staged";

function column(name: string, more = {}) {
  return {
    name,
    type: "text",
    required: false,
    default: null,
    choices: [],
    is_system: false,
    position: null,
    description: "",
    format: null,
    ...more,
  };
}

const base = {
  id: 1,
  app_id: 1,
  name: "items",
  description: "",
  graphql_name: "app_1_items",
  revision: "one",
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z",
  columns: [column("id", { is_system: true }), column("code"), column("qty", { type: "integer" })],
  unique: [{ name: "uq_app_1_items_code_org", columns: ["code"] }],
  indexes: [{ columns: ["qty"] }],
  foreign_keys: [],
};
const staged = {
  ...nothing,
  added: [{ ...newColumn, name: "height", type: "integer" as const, default: "5" }],
  changed: { code: { ...newColumn, name: "sku" } },
  dropped: ["qty"],
};
const applied = {
  ...base,
  revision: "two",
  columns: [column("id", { is_system: true }), column("sku"), column("height", { type: "integer", default: 5 })],
  unique: [{ name: "uq_app_1_items_sku_org", columns: ["sku"] }],
  indexes: [],
};

test("a table that is what was staged counts as applied, whoever heard of it", () => {
  expect(isApplied(base, staged, applied)).toBe(true);
});

test("a table to which somebody did something else does not", () => {
  expect(isApplied(base, staged, base)).toBe(false);
  expect(isApplied(base, staged, { ...applied, description: "theirs" })).toBe(false);
  expect(isApplied(base, staged, { ...applied, columns: [...applied.columns, column("width")] })).toBe(false);
  expect(isApplied(base, staged, { ...applied, indexes: [{ columns: ["sku"] }] })).toBe(false);
});
