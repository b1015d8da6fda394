import type { Column } from "./columns";

const numberFormats = new Map<string, Intl.NumberFormat | null>();
const dateFormats = new Map<string, Intl.DateTimeFormat>();

/** Returns digits as the column's format says, none of them rounded but by `decimals`; null where it says nothing. */
export function formattedNumber(digits: string, column: Column, locale: string): string | null {
  if (column.format === undefined || Object.keys(column.format).length === 0) return null;
  const key = `${locale} ${JSON.stringify(column.format)}`;
  let format = numberFormats.get(key);
  if (format === undefined) {
    format = numberFormat(column.format, locale);
    numberFormats.set(key, format);
  }
  // A text is formatted digit by digit; a number would have been rounded to a double's before.
  return format === null || !isNumber(digits) ? null : format.format(digits);
}

function numberFormat({ decimals, currency, percent, grouping }: Record<string, unknown>, locale: string) {
  const options: Intl.NumberFormatOptions = { maximumFractionDigits: 20 };
  if (typeof decimals === "number") {
    options.minimumFractionDigits = decimals;
    options.maximumFractionDigits = decimals;
  }
  if (percent === true) options.style = "percent";
  else if (typeof currency === "string") {
    options.style = "currency";
    options.currency = currency;
    if (typeof decimals !== "number") delete options.maximumFractionDigits;
  }
  if (grouping === false) options.useGrouping = false;
  try {
    return new Intl.NumberFormat(locale, options);
  } catch {
    return null;
  }
}

function isNumber(digits: string): digits is Intl.StringNumericLiteral {
  return /^-?\d+(?:\.\d+)?$/.test(digits);
}

/** Returns a date or time in the style of the column; null for ISO's own writing. */
export function dateFormat(column: Column, locale: string): Intl.DateTimeFormat | null {
  const style = column.format?.style;
  if (style === "iso") return null;
  const dateStyle = style === "short" || style === "long" ? style : "medium";
  const timeStyle = column.format?.seconds === true ? "medium" : "short";
  const hasTime = column.type === "timestamptz";
  const key = `${locale} ${dateStyle} ${hasTime ? timeStyle : ""}`;
  let format = dateFormats.get(key);
  if (format === undefined) {
    format = new Intl.DateTimeFormat(locale, hasTime ? { dateStyle, timeStyle } : { dateStyle, timeZone: "UTC" });
    dateFormats.set(key, format);
  }
  return format;
}
