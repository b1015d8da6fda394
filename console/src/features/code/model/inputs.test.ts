import { expect, test } from "vitest";
import { asTyped, fieldsOf, readFields, readJson } from "./inputs";

const schema = {
  type: "object",
  required: ["since", "count"],
  properties: {
    since: { type: "string", format: "date", title: "Since" },
    count: { type: "integer", default: 10 },
    rate: { type: ["number", "null"] },
    state: { type: "string", enum: ["new", "paid"] },
    dry: { type: "boolean", default: true },
    tags: { type: "array", items: { type: "string" } },
    either: { anyOf: [{ type: "string" }, { type: "number" }] },
  },
};

test("a form is made from the schema", () => {
  expect(fieldsOf(schema)?.map(({ name, kind, initial }) => [name, kind, initial])).toEqual([
    ["since", "date", ""],
    ["count", "integer", "10"],
    ["rate", "number", ""],
    ["state", "choice", ""],
    ["dry", "boolean", "true"],
    ["tags", "json", ""],
    ["either", "json", ""],
  ]);
});

test("what stands in the form for an input is read back as that input", () => {
  const fields = fieldsOf(schema) ?? [];
  const inputs: Record<string, unknown>[] = [
    { since: "2026-01-01", count: -3, rate: 0.5, state: "paid", dry: false, tags: ["a", "b"], either: 1 },
    { since: "2026-12-31", count: 0, dry: true, tags: [], either: "x" },
  ];
  for (const input of inputs) {
    const typed = Object.fromEntries(fields.map(({ name, kind }) => [name, asTyped(input[name], kind)]));
    expect(readFields(fields, typed)).toEqual({ input, faults: {} });
  }
});

test("a fault is said at its field", () => {
  const { faults } = readFields(fieldsOf(schema) ?? [], { count: "1.5", rate: "x", tags: "[" });
  expect(Object.keys(faults).sort()).toEqual(["count", "rate", "since", "tags"]);
});

test("without properties JSON is typed, and has to be an object", () => {
  for (const none of [null, undefined, 3, "x", [], {}, { type: "object" }]) expect(fieldsOf(none)).toBeNull();
  expect(readJson("  ")).toEqual({});
  expect(readJson('{"a": 1}')).toEqual({ a: 1 });
  for (const wrong of ["[1]", "1", "null", "{"]) expect(typeof readJson(wrong)).toBe("string");
});
