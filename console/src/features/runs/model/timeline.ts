import type { RunDetail } from "../api";

type Times = Pick<RunDetail, "created_at" | "started_at" | "finished_at">;
export type Stage = { name: "waited" | "ran"; from: string; seconds: number; begin: number; width: number };

/** Returns how long a run waited and ran up to `now`, with each stage's place in the whole, in per cent. */
export function stagesOf({ created_at, started_at, finished_at }: Times, now: number): Stage[] {
  const created = Date.parse(created_at);
  const end = finished_at === null ? Math.max(now, created) : Date.parse(finished_at);
  const started = started_at === null ? end : Date.parse(started_at);
  const whole = Math.max(1, end - created);
  const stage = (name: Stage["name"], from: string, begin: number, until: number): Stage => ({
    name,
    from,
    seconds: Math.max(0, until - begin) / 1000,
    begin: (100 * Math.max(0, begin - created)) / whole,
    width: (100 * Math.max(0, until - begin)) / whole,
  });
  const waited = stage("waited", created_at, created, started);
  return started_at === null ? [waited] : [waited, stage("ran", started_at, started, end)];
}
