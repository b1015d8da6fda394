import { expect, test } from "vitest";
import type { Column, Value } from "./columns";
import { shown } from "./display";

function cell(type: string, format: Record<string, unknown>, value: Value): string | null {
  const column: Column = {
    ...{ name: "x", type, format, isRequired: false, hasDefault: false, isEditable: true, choices: [] },
    reference: null,
  };
  return shown({ id: "1", updatedAt: "", values: { x: value }, labels: {} }, column, "en-GB");
}

test.each([
  ["numeric", {}, "12345678901234567890.10", "12,345,678,901,234,567,890.10"],
  ["numeric", { decimals: 2 }, "1234.5", "1,234.50"],
  ["numeric", { decimals: 0 }, "0.5", "1"],
  ["numeric", { currency: "EUR" }, "1234.5", "€1,234.50"],
  ["numeric", { currency: "EUR" }, "12345678901234567890.10", "€12,345,678,901,234,567,890.10"],
  ["float", { percent: true, decimals: 1 }, 0.125, "12.5%"],
  ["integer", { grouping: false }, 12345, "12345"],
  ["numeric", { decimals: 400 }, "1.5", "1.5"],
  ["numeric", { decimals: 2 }, "NaN", "NaN"],
  ["date", { style: "iso" }, "2026-03-01", "2026-03-01"],
  ["date", { style: "short" }, "2026-03-01", "01/03/2026"],
  ["date", { style: "long" }, "2026-03-01", "1 March 2026"],
  ["date", {}, "2026-03-01", "1 Mar 2026"],
] as const)("%s %j %s", (type, format, value, text) => {
  expect(cell(type, format, value)).toBe(text);
});
