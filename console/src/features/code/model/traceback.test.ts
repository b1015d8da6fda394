import { expect, test } from "vitest";
import { framesOf, messageOfTraceback } from "./traceback";

const traceback = `Traceback (most recent call last):
  File "count.py", line 12, in <module>
    total(rows)
  File "/usr/lib/python3.11/json/decoder.py", line 337, in decode
  File "lib/sums.py", line 3, in total
    return row["id"]
KeyError: 'id'
`;

test("only frames of the app's own files count", () => {
  expect(framesOf(traceback, new Set(["count.py", "lib/sums.py"]))).toEqual([
    { path: "count.py", line: 12, name: "<module>" },
    { path: "lib/sums.py", line: 3, name: "total" },
  ]);
  expect(messageOfTraceback(traceback)).toBe("KeyError: 'id'");
});
