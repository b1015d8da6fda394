import { expect, test } from "vitest";
import { withRun } from "./history";
import { operationAt, prettified, readVariables, titleOf } from "./operations";
import { snippetOf } from "./snippets";

const two = "query a { x }\nsubscription b { y }\n";

test("the operation at the cursor is run, else the first", () => {
  expect(operationAt(two, 0)).toEqual({ kind: "query", name: "a" });
  expect(operationAt(two, 20)).toEqual({ kind: "subscription", name: "b" });
  expect(operationAt("{ x }", 99)).toEqual({ kind: "query", name: null });
  expect(operationAt("fragment f on X { y }", 0)).toBe("");
  expect(operationAt("query {", 0)).toContain("Syntax Error");
});

test("prettifying loses no comment", () => {
  expect(prettified("{x(a:1){y}}")).toBe("{\n  x(a: 1) {\n    y\n  }\n}\n");
  expect(prettified("{x # why\n}")).toBeNull();
  expect(prettified('{x(a:"#1")}')).toContain('"#1"');
  expect(prettified("{")).toBeNull();
});

test("variables are a JSON object or nothing", () => {
  expect(readVariables(" ")).toEqual({});
  expect(readVariables('{"a": 1}')).toEqual({ a: 1 });
  for (const text of ["[1]", "1", "{a: 1}", "null"]) expect(readVariables(text)).toBeNull();
});

test("a tab is named by what it runs", () => {
  expect(titleOf(two)).toBe("a");
  expect(titleOf("{ orders { id } }")).toBe("orders");
  expect(titleOf("")).toBeNull();
});

test("history has each query once, the last first, and no end of them", () => {
  const entry = (query: string, at = "1") => ({ query, variables: "", at });
  const many = Array.from({ length: 60 }, (_, index) => entry(String(index))).reduce<
    readonly ReturnType<typeof entry>[]
  >((entries, run) => withRun(entries, run), []);
  expect(many.length).toBe(50);
  expect(
    withRun(many, entry("50", "2"))
      .map(({ query }) => query)
      .slice(0, 2),
  ).toEqual(["50", "59"]);
  expect(withRun([], entry("x".repeat(9000)))).toEqual([]);
});

test("a query stays text in every snippet", () => {
  const of = {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a text that looks like a template
    query: 'query {\n  orders(where: {a: {_eq: "it\'s `${x}` \\\\n"}}) { id }\n}',
    variables: { yes: true, none: null, list: ["'\""] },
    origin: "https://automio.test",
    app: 3,
    table: "orders",
  };
  expect(snippetOf("curl", of)).toContain("it'\\''s");
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as above, escaped
  expect(snippetOf("javascript", of)).toContain("\\`\\${x}\\`");
  expect(snippetOf("automio", of)).toContain('{"yes": True, "none": None, "list": ["\'\\""]}');
  expect(snippetOf("automio", { ...of, query: "query {\n  x\n}" })).toContain('"""\nquery {\n  x\n}\n"""');
  expect(snippetOf("gql", of)).toContain("https://automio.test/api/apps/3/v1/graphql");
});
