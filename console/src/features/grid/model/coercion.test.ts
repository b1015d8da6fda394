import { expect, test } from "vitest";
import { parse, plainNumber, shownNumber } from "./coercion";
import type { Column, Value } from "./columns";
import { editable, shown } from "./display";
import { forSeeds } from "./seeded.test-cases";

function column(type: string, more: Partial<Column> = {}): Column {
  return {
    name: "c",
    type,
    isRequired: false,
    hasDefault: false,
    isEditable: true,
    choices: [],
    reference: null,
    ...more,
  };
}

const locales = ["en-GB", "de-DE", "fr-FR", "de-CH", "pl-PL", "en-IN"];

test("what an editor shows of a value is read as the same value, in every language", () => {
  forSeeds((random) => {
    const locale = random.pick(locales);
    const digits = (count: number) => String(1 + random.below(9)) + random.text("0123456789", count);
    const sign = random.pick(["", "-"]);
    const cases: [string, Value][] = [
      ["bigint", sign + digits(17)],
      ["numeric", `${sign}${digits(25)}.${digits(12)}`],
      ["integer", random.below(2 ** 31) - 2 ** 30],
      ["float", (random.below(2 ** 31) - 2 ** 30) / 2 ** random.below(20)],
      ["text", random.text("a \t\n'é", 6)],
      ["boolean", random.below(2) === 0],
      ["json", { a: [random.below(9), random.text('x"', 3), null] }],
    ];
    for (const [type, value] of cases) {
      expect(parse(editable(value, column(type), locale), column(type), locale), type).toEqual({ value });
    }
  });
});

test("a number as people of a language write it, with groups, is read as that number", () => {
  for (const locale of locales) {
    for (const number of ["1234567.5", "-12345.25", "7"]) {
      const written = new Intl.NumberFormat(locale, { maximumFractionDigits: 5 }).format(Number(number));
      if (locale !== "en-IN") expect(plainNumber(written, locale), `${locale} ${written}`).toBe(number);
    }
  }
  expect(plainNumber("1.5", "de-DE")).toBe("1.5");
  expect(plainNumber("1.500", "de-DE")).toBe("1500");
  expect(plainNumber("1,5", "en-GB")).toBeNull();
  expect(plainNumber("12,34", "en-GB")).toBeNull();
});

test.each([
  ["€ 1,234.50", "en-GB", "1234.50"],
  ["1.234,50 €", "de-DE", "1234.50"],
  ["(12.00)", "en-GB", "-12.00"],
  ["-$5", "en-GB", "-5"],
  ["12 %", "en-GB", "0.12"],
  ["12,345678901234567890123 %", "de-DE", "0.12345678901234567890123"],
  ["-150%", "en-GB", "-1.5"],
  ["0%", "en-GB", "0"],
  ["((1))", "en-GB", null],
  ["(1", "en-GB", null],
  ["(-1)", "en-GB", null],
  ["%", "en-GB", null],
  ["12 apples", "en-GB", null],
])("a number that a spreadsheet shows as %j (%s) is %s", (text, locale, number) => {
  expect(shownNumber(text, locale)).toBe(number);
});

test("JSON keeps the digits of its numbers", () => {
  const text = '{"a":12345678901234567890.50}';
  const parsed = parse(text, column("json"), "en");
  expect("value" in parsed && editable(parsed.value, column("json"), "en")).toBe(
    JSON.rawJSON === undefined ? '{"a":12345678901234567000}' : text,
  );
});

test("numbers keep all their digits on the screen", () => {
  const row = {
    id: "",
    updatedAt: "",
    labels: {},
    values: { c: "12345678901234567890.123456789012345678901" },
  };
  expect(shown(row, column("numeric"), "en-GB")).toBe("12,345,678,901,234,567,890.123456789012345678901");
  expect(shown({ ...row, values: { c: null } }, column("numeric"), "en-GB")).toBeNull();
  expect(shown({ ...row, values: { c: "" } }, column("text"), "en-GB")).toBe("");
});

test.each([
  ["integer", "2147483648"],
  ["integer", "1.5"],
  ["bigint", "9223372036854775808"],
  ["numeric", "1 apple"],
  ["numeric", "NaN"],
  ["float", "1e999"],
  ["boolean", "perhaps"],
  ["date", "2026-02-30"],
  ["date", "32/01/2026"],
  ["timestamptz", "2026-01-01 25:00"],
  ["uuid", "12"],
  ["json", "{a: 1}"],
  ["choice", "gone"],
])("%s refuses %j with a reason", (type, text) => {
  expect(parse(text, column(type, { choices: ["new", "paid"] }), "en-GB")).toHaveProperty("reason");
});

test.each<[string, string, string, Value]>([
  ["date", "31/12/2026", "en-GB", "2026-12-31"],
  ["date", "12/31/2026", "en-US", "2026-12-31"],
  ["date", "31.12.26", "de-DE", "2026-12-31"],
  ["date", "2024-02-29", "de-DE", "2024-02-29"],
  ["timestamptz", "2026-12-31T14:05:06.123456+00:00", "en-GB", "2026-12-31T14:05:06.123456+00:00"],
  ["timestamptz", "31.12.2026, 14:05Z", "de-DE", "2026-12-31T14:05:00Z"],
  ["boolean", "Yes", "en-GB", true],
  ["choice", "PAID", "en-GB", "paid"],
  ["integer", "1,000", "en-GB", 1000],
  ["numeric", "−1.50", "en-GB", "-1.50"],
])("%s reads %j (%s)", (type, text, locale, value) => {
  expect(parse(text, column(type, { choices: ["new", "paid"] }), locale)).toEqual({ value });
});

test("empty is NULL, but for text, where it is a text; a column that must be filled refuses it", () => {
  expect(parse("", column("integer"), "en")).toEqual({ value: null });
  expect(parse("", column("text"), "en")).toEqual({ value: "" });
  expect(parse(" ", column("integer", { isRequired: true }), "en")).toHaveProperty("reason");
});
