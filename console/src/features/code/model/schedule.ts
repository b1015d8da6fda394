import type { ScheduleDocument } from "../api";

/** The simple ways to say when; `cron` is for all others. */
export type Way = "minutes" | "hours" | "daily" | "weekdays" | "cron";
export const ways: readonly Way[] = ["minutes", "hours", "daily", "weekdays", "cron"];
export type Overlap = NonNullable<ScheduleDocument["overlap"]>;

/** What is typed: each way keeps its own text, so that trying another loses nothing. */
export type Typed = {
  way: Way;
  minutes: string;
  hours: string;
  time: string;
  cron: string;
  timezone: string;
  overlap: Overlap;
};

/** Returns what a new schedule begins with, in the time zone of the browser. */
export function startOf(timezone: string): Typed {
  const rest = { minutes: "15", hours: "1", time: "09:00", cron: "0 9 * * 1-5" };
  return { way: "daily", ...rest, timezone, overlap: "skip" };
}

/** Returns a stored schedule as it is typed, in the simplest way that says the same. */
export function typedOf(schedule: Partial<ScheduleDocument>, start: Typed): Typed {
  const typed = { ...start, overlap: schedule.overlap ?? "skip", timezone: schedule.timezone ?? "UTC" };
  const minutes = schedule.every_minutes;
  if (typeof minutes === "number") {
    const zone = { ...typed, timezone: start.timezone };
    if (minutes % 60 === 0) return { ...zone, way: "hours", hours: String(minutes / 60) };
    return { ...zone, way: "minutes", minutes: String(minutes) };
  }
  const cron = schedule.cron ?? "";
  const [, minute, hour, days] = /^(\d{1,2}) (\d{1,2}) \* \* (\*|1-5)$/.exec(cron) ?? [];
  if (minute === undefined || hour === undefined) return { ...typed, way: "cron", cron };
  const time = `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
  return { ...typed, way: days === "*" ? "daily" : "weekdays", time, cron };
}

/** Returns the schedule that was typed, or null while it is incomplete. */
export function scheduleOf(typed: Typed): ScheduleDocument | null {
  const { way, overlap, timezone } = typed;
  if (way === "minutes" || way === "hours") {
    const every = Number(way === "minutes" ? typed.minutes : typed.hours) * (way === "minutes" ? 1 : 60);
    return Number.isInteger(every) && every > 0 ? { every_minutes: every, overlap, timezone: "UTC" } : null;
  }
  if (way === "cron") {
    const cron = typed.cron.trim();
    return cron === "" ? null : { cron, timezone: isPeriod(cron) ? "UTC" : timezone, overlap };
  }
  const [, hour, minute] = /^(\d{2}):(\d{2})$/.exec(typed.time) ?? [];
  if (hour === undefined || minute === undefined) return null;
  return { cron: `${Number(minute)} ${Number(hour)} * * ${way === "daily" ? "*" : "1-5"}`, timezone, overlap };
}

/** Tells whether an expression is a period, which is the same in every zone. */
function isPeriod(cron: string): boolean {
  return cron.startsWith("@every");
}

/** Returns a schedule as it is written, beside its words. */
export function written(schedule: Record<string, unknown>): string {
  if (typeof schedule.cron === "string") return schedule.cron;
  return typeof schedule.every_minutes === "number" ? `@every ${schedule.every_minutes}m` : "";
}
