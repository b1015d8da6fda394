import { expect, test } from "vitest";
import { entryOf } from "./build";

test("a document of the console names the script of its build", () => {
  const html =
    '<script src="/scheme.js"></script><script type="module" crossorigin src="/static/console/a-1.js"></script>';
  expect(entryOf(html)).toBe("/static/console/a-1.js");
  expect(entryOf("<h1>Bad gateway</h1>")).toBeNull();
});
