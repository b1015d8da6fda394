import { parseExact } from "@/api/exact";
import type { Column, Row, Value } from "./columns";
import { dateFormat, formattedNumber } from "./formats";

/** Longer texts are cut in a cell: nobody sees them there, and the browser would lay out each character. */
const maxShown = 300;
const notLoaded = "…";

/** Returns what a cell shows; null for a cell that is NULL, an ellipsis for one that was too large to be read. */
export function shown(row: Row, column: Column, locale: string): string | null {
  const value = row.values[column.name];
  if (value === undefined) return notLoaded;
  if (value === null) return null;
  if (column.reference !== null) {
    const label = row.labels[column.name];
    return label === null || label === undefined ? String(value) : String(label);
  }
  switch (column.type) {
    case "integer":
    case "bigint":
    case "numeric":
    case "float":
      return formattedNumber(String(value), column, locale) ?? localNumber(String(value), locale, true);
    case "timestamptz":
      return dateFormat(column, locale)?.format(new Date(String(value))) ?? String(value);
    case "date":
      return dateFormat(column, locale)?.format(new Date(`${String(value)}T00:00:00Z`)) ?? String(value);
    default:
      return cut(typeof value === "object" ? jsonOf(value) : String(value));
  }
}

function cut(text: string): string {
  return text.length > maxShown ? `${text.slice(0, maxShown)}${notLoaded}` : text;
}

// A row is painted many times, and its JSON may be large.
const written = new WeakMap<object, string>();

function jsonOf(value: object): string {
  const known = written.get(value);
  if (known !== undefined) return known;
  const text = cut(JSON.stringify(value));
  written.set(value, text);
  return text;
}

/** Returns the text of a value as an editor and the clipboard have it, which `parse` reads as the same value. */
export function editable(value: Value | undefined, column: Column, locale: string): string {
  if (value === null || value === undefined) return "";
  if (["integer", "bigint", "numeric", "float"].includes(column.type)) return localNumber(String(value), locale, false);
  return plain(value);
}

/** Returns JSON in lines, none of its digits changed; null for what is no JSON. */
export function indented(text: string): string | null {
  try {
    return JSON.stringify(parseExact(text), null, 2);
  } catch {
    return null;
  }
}

function plain(value: Value): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Writes digits by the separators of a language, all of them: no number is rounded on its way through a double. */
export function localNumber(digits: string, locale: string, isGrouped: boolean): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(digits);
  if (!match) return digits;
  const [, sign = "", whole = "", fraction] = match;
  const point = formatter(points, locale, () => new Intl.NumberFormat(locale, { numberingSystem: "latn" }))
    .formatToParts(1.5)
    .find((part) => part.type === "decimal")?.value;
  const written = isGrouped ? wholes(locale).format(BigInt(whole)) : whole;
  return sign + written + (fraction === undefined ? "" : `${point ?? "."}${fraction}`);
}

const points = new Map<string, Intl.NumberFormat>();
const wholeFormats = new Map<string, Intl.NumberFormat>();

function wholes(locale: string): Intl.NumberFormat {
  return formatter(wholeFormats, locale, () => new Intl.NumberFormat(locale, { numberingSystem: "latn" }));
}

function formatter<T>(made: Map<string, T>, locale: string, make: () => T): T {
  const found = made.get(locale);
  if (found !== undefined) return found;
  const format = make();
  made.set(locale, format);
  return format;
}
