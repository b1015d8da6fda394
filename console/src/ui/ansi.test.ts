import { expect, test } from "vitest";
import { ansiParts, plainText } from "./ansi";

const shown = (line: string) =>
  ansiParts(line).map(({ text, color, isBold }) => `${color ?? ""}${isBold ? "!" : ""}:${text}`);

test("colour codes become our colours", () => {
  expect(shown("a \x1b[31mred\x1b[0m \x1b[1;92mok\x1b[m b")).toEqual([":a ", "red:red", ": ", "green!:ok", ": b"]);
  expect(shown("\x1b[38;5;196mmany\x1b[38;2;1;2;3mmore\x1b[4;36mcyan")).toEqual([":many", ":more", "cyan:cyan"]);
});

test("no other control sequence and no control character is left, and all other text is", () => {
  const noise = [
    "\x1b[2J",
    "\x1b[10;20H",
    "\x1b]0;title\x07",
    "\x1b]8;;https://evil.test\x1b\\",
    "\x1b[?25l",
    "\x1bc",
    "\x00",
    "\b",
    "\x7f",
    "\x1b",
  ];
  for (const one of noise) {
    for (const other of noise) {
      const line = `<b>${one}x&amp;${other} </b>\t\u202e`;
      expect(plainText(line)).toBe("<b>x&amp; </b>\t\u202e");
      expect(
        ansiParts(line)
          .map(({ text }) => text)
          .join(""),
      ).toBe(plainText(line));
    }
  }
});
