import { expect, test } from "vitest";
import { scheduleOf, startOf, type Typed, typedOf, written } from "./schedule";

const start = startOf("Europe/Warsaw");

test.each<[Partial<Typed>, object | null]>([
  [
    { way: "minutes", minutes: "15" },
    { every_minutes: 15, timezone: "UTC", overlap: "skip" },
  ],
  [
    { way: "hours", hours: "2" },
    { every_minutes: 120, timezone: "UTC", overlap: "skip" },
  ],
  [
    { way: "hours", hours: "1.5" },
    { every_minutes: 90, timezone: "UTC", overlap: "skip" },
  ],
  [{ way: "minutes", minutes: "" }, null],
  [{ way: "minutes", minutes: "-1" }, null],
  [
    { way: "daily", time: "02:30" },
    { cron: "30 2 * * *", timezone: "Europe/Warsaw", overlap: "skip" },
  ],
  [
    { way: "weekdays", time: "09:00" },
    { cron: "0 9 * * 1-5", timezone: "Europe/Warsaw", overlap: "skip" },
  ],
  [{ way: "daily", time: "" }, null],
  [
    { way: "cron", cron: " @every 15m " },
    { cron: "@every 15m", timezone: "UTC", overlap: "skip" },
  ],
  [{ way: "cron", cron: " " }, null],
])("what is typed as %o is a schedule", (typed, schedule) => {
  expect(scheduleOf({ ...start, ...typed })).toEqual(schedule);
});

test.each([
  { every_minutes: 15, timezone: "UTC", overlap: "allow" as const },
  { every_minutes: 180, timezone: "UTC", overlap: "skip" as const },
  { cron: "5 7 * * *", timezone: "Asia/Tokyo", overlap: "queue_one" as const },
  { cron: "0 9 * * 1-5", timezone: "UTC", overlap: "skip" as const },
  { cron: "*/7 3 1 * *", timezone: "Europe/Warsaw", overlap: "skip" as const },
])("a stored schedule is typed as it was: %o", (schedule) => {
  expect(scheduleOf(typedOf(schedule, start))).toEqual(schedule);
});

test("another way does not lose what was typed before", () => {
  const typed = { ...typedOf({ cron: "0 9 * * *" }, start), way: "minutes" as const, minutes: "7" };
  expect(scheduleOf({ ...typed, way: "daily" })).toMatchObject({ cron: "0 9 * * *" });
});

test("a schedule is shown as it is written", () => {
  expect(written({ cron: "@daily" })).toBe("@daily");
  expect(written({ every_minutes: 90 })).toBe("@every 90m");
});
