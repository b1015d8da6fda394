import { expect, test } from "vitest";
import { findCommands } from "./find";

const commands = ["Orders", "New app", "Sign out", "Reorder columns"].map((title) => ({
  id: title,
  title,
  group: title === "Orders" ? "Apps" : "Commands",
  run: () => undefined,
}));
const titles = (text: string) => findCommands(commands, text).map(({ title }) => title);

test("without text everything is there, in its order", () => {
  expect(titles("  ")).toEqual(["Orders", "New app", "Sign out", "Reorder columns"]);
});

test("what begins with the text comes before what has it, and that before a group that has it", () => {
  expect(titles("order")).toEqual(["Orders", "Reorder columns"]);
  expect(titles("app")).toEqual(["New app", "Orders"]);
  expect(titles("app new")).toEqual(["New app"]);
  expect(titles("nothing like it")).toEqual([]);
});
