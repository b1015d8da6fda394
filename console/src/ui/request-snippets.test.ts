import { expect, test } from "vitest";
import { requestSnippets } from "./request-snippets";

const origin = "https://automio.example";

function programs(body: string | null, method = "POST") {
  const made = requestSnippets({ method, path: "/api/x/", organization: "acme", body }, origin);
  return Object.fromEntries(made.map(({ language, code }) => [language, code]));
}

test("each language says where, in which organization, and whose token", () => {
  const made = programs(null, "DELETE");
  expect(Object.keys(made)).toEqual(["curl", "Python", "JavaScript"]);
  for (const code of Object.values(made)) {
    for (const part of ["https://automio.example/api/x/", "DELETE", "acme", "APP_TOKEN"]) expect(code).toContain(part);
  }
});

test("what is in a body stays text", () => {
  const made = programs(JSON.stringify({ name: `it's "$(rm)" \`x\` \\ \${y}`, on: true, none: null }));
  expect(made.curl).toContain(String.raw`it'\''s \"$(rm)\" `);
  expect(made.Python).toContain(String.raw`body = {"name": "it's \"$(rm)\" `);
  expect(made.Python).toContain('"on": True, "none": None}');
  expect(made.JavaScript).toContain(String.raw`"name": "it's \"$(rm)\" `);
});

test("a mutation is shown as GraphQL, too", () => {
  const made = programs(JSON.stringify({ query: "mutation { a }", variables: { price: 1 } }));
  expect(made.GraphQL).toBe('mutation { a }\n\n# Variables:\n# {\n#   "price": 1\n# }\n');
});

test("numbers keep their digits", () => {
  const made = programs('{"price": 12345678901234567890.10}');
  const text = String.raw`"{\"price\":12345678901234567890.10}"`;
  expect(made.curl).toContain('"price": 12345678901234567890.10');
  // As text: as a number of the language it would be rounded before it is sent.
  expect(made.Python).toContain(`body = ${text}`);
  expect(made.Python).toContain("content=body");
  expect(made.JavaScript).toContain(`body: ${text},`);
});
