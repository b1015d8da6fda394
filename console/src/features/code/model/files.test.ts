import { describe, expect, test } from "vitest";
import { faultOfPath, importersOf, sectionsOf } from "./files";

test("a path is refused exactly where the server would refuse it", () => {
  const taken = ["shared/dates.py", "count.py"];
  for (const path of ["a.py", "lib/x-1.yaml", "_x", "1.md", "shared/other.py"])
    expect(faultOfPath(path, taken)).toBeNull();
  for (const path of [
    "",
    "/a.py",
    "a//b",
    ".env",
    "../a",
    "-x",
    "a b",
    "ä.py",
    "x".repeat(201),
    "count.py",
    "shared",
  ]) {
    expect(faultOfPath(path, taken), path).not.toBeNull();
  }
  expect(faultOfPath("count.py/x.py", taken)).toContain("not a folder");
});

test("files are told apart by what begins with them", () => {
  const found = sectionsOf(["z.md", "b.py", "a.py", "lib/c.py"], ["b.py:main", "gone.py"]);
  expect(found.map(({ name, paths }) => [name, paths])).toEqual([
    ["actions", ["b.py"]],
    ["modules", ["a.py", "lib/c.py"]],
    ["others", ["z.md"]],
  ]);
});

describe("who imports a module", () => {
  const importing = [
    "import lib.dates",
    "import os, lib.dates as d",
    "from lib.dates import day",
    "  from lib import x, dates",
  ];
  const not = ["import lib.dates2", "from lib.datesx import y", "# import nothing of dates", "from lib import other"];
  test.each(importing)("%s", (line) => {
    expect(importersOf("lib/dates.py", new Map([["a.py", `x = 1\n${line}\n`]]))).toEqual(["a.py"]);
  });
  test.each(not)("not: %s", (line) => {
    expect(importersOf("lib/dates.py", new Map([["a.py", `${line}\n`]]))).toEqual([]);
  });
});
