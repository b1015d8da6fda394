import { locale, t } from "@/i18n";

const units: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

// Making a format takes longer than using it a hundred times.
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
const absolute = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "long" });
const timeOfDay = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
const numbers = new Map<number, Intl.NumberFormat>();

/** Returns "2 minutes ago" or "in 3 days" for an ISO time, seen from `now` (milliseconds since 1970). */
export function relativeTime(at: string, now: number): string {
  const seconds = Math.round((Date.parse(at) - now) / 1000);
  for (const [unit, length] of units) {
    if (Math.abs(seconds) >= length) {
      // The past is told by what is over; of a future of seven days, "in 6 days" after a second would be wrong.
      const count = seconds < 0 ? Math.trunc(seconds / length) : Math.round(seconds / length);
      return relative.format(count, unit);
    }
  }
  return t("just now");
}

/** Returns date, time and zone. */
export function absoluteTime(at: string): string {
  return absolute.format(new Date(at));
}

/** Returns a moment by the clock of a zone, with the day of the week. */
export function timeIn(at: string, zone: string): string {
  return new Intl.DateTimeFormat(locale, {
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    timeZone: zone,
  }).format(new Date(at));
}

/** Returns the time of day of a moment (milliseconds since 1970): `14:02`. */
export function clockTime(at: number): string {
  return timeOfDay.format(at);
}

/** Returns `1.24 s`, `41 s`, `3 min 20 s` or `2 h 5 min` for a number of seconds. */
export function duration(seconds: number): string {
  if (seconds < 10) return t("{value} s", { value: number(seconds, 2) });
  if (seconds < 60) return t("{value} s", { value: number(seconds, 0) });
  const whole = Math.floor(seconds);
  if (seconds < 3600) return t("{minutes} min {seconds} s", { minutes: Math.floor(whole / 60), seconds: whole % 60 });
  return t("{hours} h {minutes} min", { hours: Math.floor(whole / 3600), minutes: Math.floor((whole % 3600) / 60) });
}

/** Returns a number in the browser's language. */
export function number(value: number, digits = 3): string {
  let format = numbers.get(digits);
  if (format === undefined) {
    format = new Intl.NumberFormat(locale, { maximumFractionDigits: digits });
    numbers.set(digits, format);
  }
  return format.format(value);
}

/** Returns a number as short as an axis needs it: `1.2M`. */
export function shortNumber(value: number): string {
  return new Intl.NumberFormat(locale, { notation: "compact", maximumSignificantDigits: 4 }).format(value);
}

/** Returns `950 B`, `1.2 kB`, `34 MB`. */
export function bytes(value: number): string {
  const names = ["B", "kB", "MB", "GB", "TB"];
  let index = 0;
  let left = value;
  while (left >= 1000 && index < names.length - 1) {
    left /= 1000;
    index += 1;
  }
  return `${number(left, left < 10 && index > 0 ? 1 : 0)} ${names[index]}`;
}

/** Returns several names as one would say them: `price, note, and state`. */
export function listed(names: readonly string[]): string {
  return new Intl.ListFormat(locale).format(names);
}
