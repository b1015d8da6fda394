import { expect, test } from "vitest";
import { around, columnsOf, type DiagramTable, maxColumns, maxTables, mostConnected } from "./diagram";
import { placesOf } from "./places";

function table(name: string, targets: readonly string[] = [], columns = 1): DiagramTable {
  return {
    id: 0,
    name,
    unique: [],
    columns: Array.from({ length: columns }, (_, at) => ({
      name: `column_${at}`,
      type: "text",
      required: false,
      default: null,
      choices: [],
      is_system: false,
    })),
    foreign_keys: targets.map((target, at) => ({
      column: `column_${at}`,
      table: target,
      references: "id",
      on_delete: "set_null",
      object_relationship: `o${at}`,
      array_relationship: `a${at}`,
    })),
  };
}

test("no two tables stand on each other", () => {
  const tables = [
    ...Array.from({ length: maxTables / 2 }, (_, at) =>
      table(`t${at}`, at === 0 ? ["t0"] : [`t${at - 1}`, "t0"], at % 20),
    ),
    ...Array.from({ length: maxTables / 2 }, (_, at) => table(`alone${at}`, [], at % 20)),
  ];
  const places = [...placesOf(tables).values()];
  expect(places.length).toBe(maxTables);
  const touching = places.flatMap((one, at) =>
    places.slice(at + 1).filter((other) => {
      const isBeside = one.x + one.width <= other.x || other.x + other.width <= one.x;
      return !isBeside && one.y + one.height > other.y && other.y + other.height > one.y;
    }),
  );
  expect(touching).toEqual([]);
});

test("references lead to the right, and a circle is no obstacle", () => {
  const places = placesOf([table("orders"), table("lines", ["orders"]), table("one", ["two"]), table("two", ["one"])]);
  expect(places.get("lines")?.x).toBeLessThan(places.get("orders")?.x ?? 0);
  expect(places.size).toBe(4);
});

test("around a table are the nearest, as many as one picture holds", () => {
  const chain = Array.from({ length: 1000 }, (_, at) => table(`t${at}`, at === 0 ? [] : [`t${at - 1}`]));
  const shown = around(chain, "t500").map(({ name }) => name);
  expect(shown.length).toBe(maxTables);
  expect(shown).toContain("t405");
  expect(shown).not.toContain("t300");
  expect(around([table("one"), table("two")], "one").map(({ name }) => name)).toEqual(["one"]);
});

test("the table with the most references is the middle", () => {
  expect(mostConnected([table("a", ["hub"]), table("b", ["hub"]), table("hub")])).toBe("hub");
  expect(mostConnected([])).toBeNull();
});

test("a wide table shows some of its columns and counts the others", () => {
  expect(columnsOf(table("narrow", [], maxColumns))).toMatchObject({ more: 0 });
  const { shown, more } = columnsOf(table("wide", [], 300));
  expect(shown.length + more).toBe(300);
  expect(shown.length).toBeLessThan(maxColumns);
});
