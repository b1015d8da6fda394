import { describe, expect, test } from "vitest";
import { isSingle, KeyMatcher, pressedName } from "./keys";

const none = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };

describe("names of presses", () => {
  test.each([
    [{ ...none, key: "k", ctrlKey: true }, "mod+k"],
    [{ ...none, key: "K", metaKey: true, shiftKey: true }, "mod+shift+k"],
    [{ ...none, key: "?", shiftKey: true }, "?"],
    [{ ...none, key: "F", shiftKey: true }, "shift+f"],
    [{ ...none, key: "Enter", ctrlKey: true }, "mod+enter"],
    [{ ...none, key: " ", shiftKey: true }, "shift+space"],
    [{ ...none, key: "Control", ctrlKey: true }, null],
  ])("%o is %s", (event, name) => {
    expect(pressedName(event)).toBe(name);
  });
});

test("only keys with a modifier, or function keys, stay when single keys are switched off", () => {
  expect(["g h", "?", "shift+f", "n"].map(isSingle)).toEqual([true, true, true, true]);
  expect(["mod+k", "alt+arrowup", "f8", "mod+shift+p"].map(isSingle)).toEqual([false, false, false, false]);
});

describe("sequences", () => {
  const known = ["g h", "g t", "n", "mod+k"];

  test("the second key completes them, in time", () => {
    const matcher = new KeyMatcher(1000);
    expect(matcher.press("g", 0, known)).toBeNull();
    expect(matcher.press("h", 900, known)).toBe("g h");
    expect(matcher.press("h", 950, known)).toBeNull();
  });

  test("too late, the second key stands alone", () => {
    const matcher = new KeyMatcher(1000);
    matcher.press("g", 0, known);
    expect(matcher.press("h", 2000, known)).toBeNull();
    matcher.press("g", 3000, known);
    expect(matcher.press("n", 3100, known)).toBe("n");
    matcher.press("g", 4000, known);
    expect(matcher.press("g", 4100, known)).toBeNull();
    expect(matcher.press("t", 4200, known)).toBe("g t");
  });
});
