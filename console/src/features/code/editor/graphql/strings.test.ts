import { describe, expect, test } from "vitest";
import { mayHoldQueries, queryOf } from "./strings";

function found(code: string, literal: string): string | null {
  const from = code.indexOf(literal);
  return queryOf(literal, from, code.slice(0, from))?.text ?? null;
}

describe("a string of a script", () => {
  test.each([
    ['api.tables.graphql("orders", query="""query { orders { id } }""")', '"""query { orders { id } }"""'],
    ['api.tables.graphql("orders", "{ orders { id } }")', '"{ orders { id } }"'],
    ["gql('mutation { a }')", "'mutation { a }'"],
    ["ORDERS_QUERY = r'{ a }'", "r'{ a }'"],
    ['x(query="""\n# all\nquery Q { a }"""', '"""\n# all\nquery Q { a }"""'],
  ])("is a query: %s", (code, literal) => {
    expect(found(code, literal)).toBe(literal.replace(/^r?("""|"|')/, "").replace(/("""|"|')$/, ""));
    expect(mayHoldQueries(code)).toBe(true);
  });

  test.each([
    ['print("{ orders }")', '"{ orders }"'],
    ['find(query="orders of today")', '"orders of today"'],
    ['x(query="{ a(id: %s) { id } }" % 1)', '"{ a(id: %s) { id } }"'],
    ['x(query=f"{ a }")', 'f"{ a }"'],
    ['x(query="{ a }\\\\n")', '"{ a }\\\\n"'],
  ])("is a text like any other: %s", (code, literal) => {
    expect(found(code, literal)).toBeNull();
  });

  test("is a query before its quotes are closed, and knows its place", () => {
    expect(queryOf('"""{ a', 10, "query=")).toEqual({ from: 13, to: 16, text: "{ a" });
  });
});
