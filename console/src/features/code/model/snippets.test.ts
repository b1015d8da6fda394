import { expect, test } from "vitest";
import { runSnippets } from "./snippets";

test("a run is started by a program with the same input and rows, which stay text", () => {
  const about = {
    origin: "https://a.test",
    organization: "acme",
    app: 7,
    action: { id: 3, slug: "count" },
    input: { name: 'It\'s """', all: true, none: null },
  };
  const [curl, python] = runSnippets({ ...about, rows: ["r1"] });
  expect(curl?.code).toContain("https://a.test/api/actions/3/run/");
  expect(curl?.code).toContain(`It'\\''s`);
  expect(python?.code).toContain(
    'api.actions.run("count", user_input={"name": "It\'s \\"\\"\\"", "all": True, "none": None}',
  );
  expect(python?.code).toContain('selected_rows=["r1"])');
  for (const { code } of runSnippets({ ...about, rows: [] })) {
    expect(code).toContain("APP_TOKEN");
    expect(code).not.toContain("selected_rows");
  }
});
