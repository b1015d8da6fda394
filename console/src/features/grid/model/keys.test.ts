import { expect, test } from "vitest";
import { meaningOf } from "./keys";

const event = (key: string, ...modifiers: string[]) => ({
  key,
  ctrlKey: modifiers.includes("ctrl"),
  metaKey: false,
  altKey: modifiers.includes("alt"),
  shiftKey: modifiers.includes("shift"),
  getModifierState: (name: string) => modifiers.includes(name),
});

test.each([
  [event("z", "ctrl"), { command: "undo" }],
  [event("Z", "ctrl", "shift"), { command: "redo" }],
  [event("F", "ctrl", "shift"), { command: "filterBy" }],
  [event(" ", "shift"), { command: "selectRows" }],
  [event(" ", "ctrl"), { command: "selectColumns" }],
  [event(" "), { command: "peek" }],
  [event("Backspace", "ctrl"), { command: "empty" }],
  [event("n"), { typed: "n" }],
  [event("Ł", "shift"), { typed: "Ł" }],
  [event("ą", "ctrl", "alt", "AltGraph"), { typed: "ą" }],
  [event("@", "ctrl", "alt"), null],
  [event("F5"), null],
  [event("c", "ctrl"), null],
  [event("Shift", "shift"), null],
])("%o means %o", (pressed, meaning) => {
  expect(meaningOf(pressed)).toEqual(meaning);
});
