import { expect, test } from "vitest";
import { fieldsQuery, readFields } from "./fields";

const nonNull = (ofType: unknown) => ({ kind: "NON_NULL", ofType });

test("columns and lists of rows are told apart, and a type that is not there is left out", () => {
  expect(fieldsQuery(["app_1_items"])).toContain('t0: __type(name: "app_1_items")');
  const fields = [
    { name: "code", type: nonNull({ kind: "SCALAR", name: "String" }) },
    { name: "tags", type: { kind: "LIST", ofType: nonNull({ kind: "SCALAR", name: "String" }) } },
    { name: "items", type: nonNull({ kind: "LIST", ofType: nonNull({ kind: "OBJECT", name: "app_1_items" }) }) },
    { name: "items_aggregate", type: nonNull({ kind: "OBJECT", name: "app_1_items_aggregate" }) },
  ];
  const read = readFields({ t0: { fields }, t1: null }, ["app_1_makers", "app_1_gone"]);
  expect([...read.keys()]).toEqual(["app_1_makers"]);
  expect(read.get("app_1_makers")).toEqual([
    { name: "code", list: null },
    { name: "tags", list: null },
    { name: "items", list: "app_1_items" },
    { name: "items_aggregate", list: null },
  ]);
});
