import { expect, test } from "vitest";
import { fromTsv, tile, toTsv } from "./clipboard";
import { forSeeds } from "./seeded.test-cases";

test("what is copied is pasted, whatever is in the cells", () => {
  forSeeds((random) => {
    const width = 1 + random.below(4);
    const cells = Array.from({ length: 1 + random.below(4) }, () =>
      Array.from({ length: width }, () => random.text('ab"\t\n\r ,é👩', 5)),
    );
    // One empty cell alone is an empty clipboard.
    if (cells.length === 1 && width === 1 && cells[0]?.[0] === "") return;
    // A last row of one empty cell is a line end.
    if (width === 1 && cells.at(-1)?.[0] === "") return;
    expect(fromTsv(toTsv(cells))).toEqual(cells);
  });
});

test.each([
  [
    "a\tb\r\nc\td\r\n",
    [
      ["a", "b"],
      ["c", "d"],
    ],
  ],
  ['"line 1\nline 2"\tx', [["line 1\nline 2", "x"]]],
  ['say "hi"\t5" screen', [['say "hi"', '5" screen']]],
  ['"5 inch', [['"5 inch']]],
  ['"a""b"', [['a"b']]],
  [
    "a\tb\nc",
    [
      ["a", "b"],
      ["c", ""],
    ],
  ],
  ["a\n\nb", [["a"], [""], ["b"]]],
  ["", [[""]]],
])("%j is read as a spreadsheet wrote it", (text, cells) => {
  expect(fromTsv(text)).toEqual(cells);
});

test("cells repeat only in a range that is a multiple of them", () => {
  expect(tile([["a", "b"]], 2, 4)).toEqual([
    ["a", "b", "a", "b"],
    ["a", "b", "a", "b"],
  ]);
  expect(tile([["a", "b"]], 2, 3)).toEqual([["a", "b"]]);
});
