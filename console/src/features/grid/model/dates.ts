/** Returns `YYYY-MM-DD` for an ISO date or one written as people of `locale` do; null for what is no date. */
export function isoDate(text: string, locale: string): string | null {
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text);
  if (iso) return checked(Number(iso[1]), Number(iso[2]), Number(iso[3]));
  const parts = /^(\d{1,4})[./\-\s]{1,2}(\d{1,2})[./\-\s]{1,2}(\d{1,4})\.?$/.exec(text);
  if (!parts) return null;
  const found: Record<string, number> = {};
  orderOf(locale).forEach((name, index) => {
    found[name] = Number(parts[index + 1]);
  });
  const year = found.year ?? Number.NaN;
  return checked(year < 100 ? year + (year < 70 ? 2000 : 1900) : year, found.month ?? 0, found.day ?? 0);
}

/** Returns an ISO time with its zone; without one in the text, that of this browser. */
export function isoTime(text: string, locale: string): string | null {
  const match = /^(.+?)(?:[T\s,]+(\d{1,2}):(\d{2})(?::(\d{2})(\.\d{1,6})?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i.exec(
    text,
  );
  const date = match?.[1] === undefined ? null : isoDate(match[1].trim(), locale);
  if (!match || date === null) return null;
  const [hour, minute, second] = [match[2] ?? "0", match[3] ?? "0", match[4] ?? "0"].map(Number);
  if ((hour ?? 0) > 23 || (minute ?? 0) > 59 || (second ?? 0) > 59) return null;
  const clock = [hour, minute, second].map((part) => String(part).padStart(2, "0")).join(":") + (match[5] ?? "");
  return `${date}T${clock}${match[6]?.toUpperCase() ?? ownZone(`${date}T${clock}`)}`;
}

function checked(year: number, month: number, day: number): string | null {
  const date = new Date(Date.UTC(2000, 0, 1));
  date.setUTCFullYear(year, month - 1, day);
  const isReal = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!isReal || year < 1 || year > 9999) return null;
  return [String(year).padStart(4, "0"), String(month).padStart(2, "0"), String(day).padStart(2, "0")].join("-");
}

function orderOf(locale: string): string[] {
  return new Intl.DateTimeFormat(locale, { year: "numeric", month: "numeric", day: "numeric", calendar: "gregory" })
    .formatToParts(0)
    .map((part) => part.type)
    .filter((type) => type === "year" || type === "month" || type === "day");
}

function ownZone(local: string): string {
  const minutes = -new Date(local).getTimezoneOffset();
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `${minutes < 0 ? "-" : "+"}${String(hours).padStart(2, "0")}:${String(rest).padStart(2, "0")}`;
}

/** Returns the time that a spreadsheet counts in days since the end of 1899, in nobody's zone; null out of its range. */
export function serialTime(days: number): string | null {
  // Before March 1900 spreadsheets disagree: one of them knows a 29th of February of that year.
  if (!(days > 60 && days < 2_958_466)) return null;
  return new Date(Date.UTC(1899, 11, 30) + Math.round(days * 86_400) * 1_000)
    .toISOString()
    .slice(0, 19)
    .replace("T", " ");
}
