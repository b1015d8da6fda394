import { parseExact } from "@/api/exact";
import { t } from "@/i18n";
import { type Column, isValue, type Value } from "./columns";
import { isoDate, isoTime } from "./dates";

export type Parsed = { readonly value: Value } | { readonly reason: string };

const truths: Readonly<Record<string, boolean>> = {
  true: true,
  t: true,
  yes: true,
  y: true,
  on: true,
  "1": true,
  false: false,
  f: false,
  no: false,
  n: false,
  off: false,
  "0": false,
};
const uuid = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

/** Reads a text that somebody typed or pasted as a value of a column, by the writing of `locale`. */
export function parse(text: string, column: Column, locale: string): Parsed {
  if (column.type === "text") return { value: text };
  const trimmed = text.trim();
  if (trimmed === "") {
    return column.isRequired && !column.hasDefault ? { reason: t("This column must not be empty.") } : { value: null };
  }
  switch (column.type) {
    case "integer":
      return integer(trimmed, locale, 2n ** 31n, (digits) => Number(digits));
    case "bigint":
      return integer(trimmed, locale, 2n ** 63n, (digits) => digits);
    case "numeric":
    case "float":
      return decimal(trimmed, column.type, locale);
    case "boolean": {
      const value = truths[trimmed.toLowerCase()];
      return value === undefined ? { reason: t("Write true or false.") } : { value };
    }
    case "date": {
      const value = isoDate(trimmed, locale);
      return value === null ? { reason: t("Write a date as 2026-12-31, or as you do in your language.") } : { value };
    }
    case "timestamptz": {
      const value = isoTime(trimmed, locale);
      return value === null ? { reason: t("Write a time as 2026-12-31 14:05.") } : { value };
    }
    case "uuid":
    case "reference":
      return uuid.test(trimmed) ? { value: trimmed.toLowerCase() } : { reason: t("This must be the id of a row.") };
    case "choice":
      return choice(trimmed, column.choices);
    case "json":
      return json(trimmed);
    default:
      return { value: text };
  }
}

/** Returns why a column does not take a value, or null. */
export function refusal(value: Value, column: Column): string | null {
  return value === null && column.isRequired ? t("This column must not be empty.") : null;
}

function integer(text: string, locale: string, bound: bigint, make: (digits: string) => Value): Parsed {
  const plain = shownNumber(text, locale);
  if (plain === null || !/^-?\d+(\.0+)?$/.test(plain)) return { reason: t("This must be a whole number.") };
  const value = BigInt(plain.replace(/\.0+$/, ""));
  if (value >= bound || value < -bound) return { reason: t("This number is too large for the column.") };
  return { value: make(value.toString()) };
}

function decimal(text: string, type: string, locale: string): Parsed {
  const plain = shownNumber(text, locale);
  if (plain === null) return { reason: t("This must be a number.") };
  if (type === "numeric") return { value: plain };
  const value = Number(plain);
  return Number.isFinite(value) ? { value } : { reason: t("This number is too large for the column.") };
}

/** Reads a number also as formats of spreadsheets show it: `1,234.50 €`, `(12.00)` for less than zero, `12 %` for 0.12. */
export function shownNumber(text: string, locale: string): string | null {
  const known = plainNumber(text, locale);
  if (known !== null) return known;
  const match = /^([-+\u2212]?)(\(?)(.*?)(\)?)(\s*%)?$/u.exec(
    text.replace(/\p{Sc}|\b(?:EUR|USD|GBP|CHF|PLN)\b/gu, "").trim(),
  );
  const [, sign = "", open = "", digits = "", close = "", percent] = match ?? [];
  const plain = plainNumber(sign + digits, locale);
  if (plain === null || (open === "") !== (close === "") || (open !== "" && plain.startsWith("-"))) return null;
  const number = percent === undefined ? plain : hundredth(plain);
  return open === "" || number === null ? number : `-${number}`;
}

/** Moves the point of a plain number by two digits to the left, none of them rounded. */
function hundredth(plain: string): string | null {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(plain);
  if (!match) return null;
  const [, sign = "", whole = "", fraction = ""] = match;
  const padded = whole.padStart(3, "0");
  const decimals = `${padded.slice(-2)}${fraction}`.replace(/0+$/, "");
  return `${sign}${padded.slice(0, -2).replace(/^0+(?=\d)/, "")}${decimals === "" ? "" : `.${decimals}`}`;
}

/** Returns `-1234.5` for "−1,234.5" in English and "-1.234,5" in German; null for what is no number. */
export function plainNumber(text: string, locale: string): string | null {
  const { group, decimal: point } = separators(locale);
  const plain = text
    .replace(/[\s\u00a0\u202f'’]/g, "")
    .replace("\u2212", "-")
    .replace(/^\+/, "");
  const mark = /\s|\u00a0|\u202f|['’]/.test(group) ? "" : literal(group);
  const grouped = mark === "" ? /(?!)/ : new RegExp(`^-?\\d{1,3}(${mark}\\d{3})+(${literal(point)}\\d+)?$`);
  if (grouped.test(plain)) return tidy(plain.replaceAll(group, "").replace(point, "."));
  if (new RegExp(`^-?(\\d+(${literal(point)}\\d*)?|${literal(point)}\\d+)(e[+-]?\\d{1,3})?$`, "i").test(plain)) {
    return tidy(plain.replace(point, "."));
  }
  return /^-?\d+\.\d+(e[+-]?\d{1,3})?$/i.test(plain) ? tidy(plain) : null;
}

function tidy(plain: string): string {
  return plain.replace(/^(-?)\./, "$10.").replace(/\.(?=e|$)/i, "");
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

const known = new Map<string, { group: string; decimal: string }>();

function separators(locale: string): { group: string; decimal: string } {
  const found = known.get(locale);
  if (found !== undefined) return found;
  const parts = new Intl.NumberFormat(locale, { numberingSystem: "latn" }).formatToParts(-1234567.5);
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
  const made = { group: of("group") || ",", decimal: of("decimal") || "." };
  known.set(locale, made);
  return made;
}

function choice(text: string, choices: readonly string[]): Parsed {
  if (choices.includes(text)) return { value: text };
  const alike = choices.filter((item) => item.toLowerCase() === text.toLowerCase());
  const [only] = alike;
  if (alike.length === 1 && only !== undefined) return { value: only };
  return { reason: t("This must be one of: {choices}.", { choices: choices.join(", ") }) };
}

function json(text: string): Parsed {
  try {
    const value = parseExact(text);
    if (isValue(value)) return { value };
  } catch {
    // Said below, as for what is no value.
  }
  return { reason: t('This must be JSON, for example "text", 12, true or [1, 2].') };
}
