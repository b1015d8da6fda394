import { expect, test } from "vitest";
import { uploadSnippets } from "./snippets";

test("texts of a file are quoted for the shell, and no token is in it", () => {
  const fields = { name: "It's; rm -rf /", key: "k" };
  const about = { origin: "https://a.test", organization: "acme", fields, fileName: "a;type=x.csv" };
  const [curl, python, script] = uploadSnippets("/api/apps/from-file/", about);
  expect(curl?.code).toContain(`--form-string 'name=It'\\''s; rm -rf /'`);
  expect(curl?.code).toContain("file=@file.csv");
  for (const snippet of [curl, python, script]) {
    expect(snippet?.code).toContain("APP_TOKEN");
    expect(snippet?.code).toContain("https://a.test/api/apps/from-file/");
    expect(snippet?.code).not.toContain('"key"');
  }
});
