import { expect, test } from "vitest";
import { newColumn, readDefault } from "./columns";
import { valuesOf, whereEmpty } from "./rows-filter";
import {
  countChanges,
  dropColumn,
  editOf,
  formOf,
  move,
  nothing,
  putColumn,
  type Staged,
  shownColumns,
} from "./staged";

function column(name: string, type = "text", isSystem = false) {
  return {
    name,
    type,
    required: false,
    default: null,
    choices: [],
    is_system: isSystem,
    position: null,
    description: "",
  };
}

const base = {
  name: "items",
  description: "",
  graphql_name: "app_1_items",
  columns: [column("id", "uuid", true), column("code"), column("qty", "integer"), column("maker_id", "reference")],
  unique: [{ name: "uq_app_1_items_code_org", columns: ["code"] }],
  indexes: [{ columns: ["qty"] }],
  foreign_keys: [
    {
      column: "maker_id",
      table: "makers",
      references: "id",
      on_delete: "set_null" as const,
      object_relationship: "maker",
      array_relationship: "items",
    },
  ],
};

function form(name: string) {
  const read = formOf(base, name);
  if (read === null) throw new Error(`no column ${name}`);
  return read;
}

const names = (staged: Staged) => shownColumns(base, staged).map((item) => item.form.name);

test("nothing staged changes nothing", () => {
  expect(editOf(base, nothing)).toEqual({ columns: [], drop_columns: [], foreign_keys: [] });
  expect(names(nothing)).toEqual(["code", "qty", "maker_id"]);
});

test("a renamed column keeps its key and its reference", () => {
  const staged = putColumn(base, nothing, "maker_id", { ...form("maker_id"), name: "producer_id" });
  const edit = editOf(base, staged);
  expect(edit.columns).toMatchObject([{ name: "producer_id", renamed_from: "maker_id", type: "reference" }]);
  expect(edit.foreign_keys).toEqual([
    { column: "producer_id", table: "makers", references: "id", on_delete: "set_null" },
  ]);
  expect(countChanges(putColumn(base, staged, "maker_id", form("maker_id")))).toBe(0);
});

test("columns are moved, also new ones, and back to where they were", () => {
  const added = putColumn(base, nothing, null, { ...newColumn, name: "weight" });
  const moved = move(base, move(base, added, "+0", -1), "+0", -1);
  expect(names(moved)).toEqual(["code", "weight", "qty", "maker_id"]);
  expect(editOf(base, moved).columns?.map(({ name, position }) => [name, position])).toEqual([
    ["code", 0],
    ["weight", 1],
    ["qty", 2],
    ["maker_id", 3],
  ]);
  expect(move(base, move(base, moved, "+0", 1), "+0", 1).order).toBeNull();
  expect(move(base, nothing, "code", -1)).toEqual(nothing);
});

test("a removed new column leaves nothing behind", () => {
  const two = ["a", "b"].reduce((staged, name) => putColumn(base, staged, null, { ...newColumn, name }), nothing);
  const moved = move(base, two, "+1", -1);
  const left = dropColumn(moved, "+0");
  expect(names(left)).toEqual(["code", "qty", "maker_id", "b"]);
  expect(left.order).not.toContain("+1");
});

test("keys follow renamed columns and lose removed ones", () => {
  const renamed = putColumn(base, nothing, "code", { ...form("code"), name: "sku" });
  const staged = { ...renamed, uniqueAdded: [["code", "qty"]], indexDropped: ["qty"] };
  expect(editOf(base, staged)).toMatchObject({
    unique: [{ columns: ["sku"] }, { columns: ["sku", "qty"] }],
    indexes: [],
  });
  expect(editOf(base, dropColumn({ ...nothing, uniqueAdded: [["qty"]] }, "code")).unique).toEqual([
    { columns: ["qty"] },
  ]);
});

test("what is staged applies also to a table that somebody changed meanwhile", () => {
  const staged = dropColumn(putColumn(base, nothing, null, { ...newColumn, name: "weight" }), "qty");
  const now = { ...base, columns: [...base.columns.filter(({ name }) => name !== "qty"), column("colour")] };
  expect(shownColumns(now, staged).map((item) => item.form.name)).toEqual(["code", "maker_id", "colour", "weight"]);
  expect(editOf(now, staged)).toMatchObject({ columns: [{ name: "weight" }], drop_columns: [] });
});

test("defaults are read by the type and never rounded", () => {
  expect(readDefault("integer", "12")).toBe(12);
  expect(readDefault("bigint", "9223372036854775807")).toBe("9223372036854775807");
  expect(readDefault("numeric", "0.10")).toBe("0.10");
  expect(readDefault("boolean", "false")).toBe(false);
  expect(readDefault("json", '{"a": 1}')).toEqual({ a: 1 });
  expect(readDefault("text", " 1 ")).toBe(" 1 ");
  expect(readDefault("text", "")).toBeNull();
});

test("rows that fail are shown by a filter of the grid", () => {
  const check = {
    columns: ["qty"],
    state: "fails" as const,
    count: 2,
    is_exact: true,
    message: "",
    filter_column: "qty",
    examples: [
      { id: "1", value: "5" },
      { id: "2", value: "5" },
    ],
  };
  expect(whereEmpty({ ...check, kind: "required" })).toEqual({ _and: [{ qty: { _is_null: true } }] });
  expect(valuesOf({ ...check, kind: "unique" }, "integer")).toEqual([
    { value: "5", where: { _and: [{ qty: { _eq: 5 } }] } },
  ]);
  expect(valuesOf({ ...check, kind: "required" }, "integer")).toEqual([]);
});
