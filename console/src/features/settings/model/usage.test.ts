import { expect, test } from "vitest";
import { heightOf, nameOfDay, usageSnippets } from "./usage";

test("a bar is as high as its share, and seen however small", () => {
  expect(heightOf(0, 10)).toBe("0");
  expect(heightOf(5, 10)).toBe("max(2px, 50%)");
});

test("a day stays the day that it is in UTC", () => {
  expect(nameOfDay("2026-11-01")).toContain("1");
  expect(nameOfDay("2026-11-01")).toContain("Nov");
});

test("programs name the organization and no token", () => {
  const snippets = usageSnippets("https://automio.test", "acme");
  expect(snippets.map(({ language }) => language)).toEqual(["curl", "Python", "JavaScript"]);
  for (const { code } of snippets) {
    expect(code).toContain("https://automio.test/api/usage/");
    expect(code).toContain("acme");
    expect(code).toContain("APP_TOKEN");
  }
});
