import type { Histogram } from "../api";

type Bucket = Histogram["buckets"][number];

/** Returns how many runs began in a bucket's time. */
export function totalOf({ completed, failed, stopped, open }: Bucket): number {
  return completed + failed + stopped + open;
}

/** Returns the time from one bar to another, whichever comes first, both within it. */
export function timeOf(
  { buckets, bucket_seconds }: Pick<Histogram, "buckets" | "bucket_seconds">,
  one: number,
  other: number,
): { from: string; to: string } | null {
  const first = buckets[Math.min(one, other)];
  const last = buckets[Math.max(one, other)];
  if (first === undefined || last === undefined) return null;
  return {
    from: new Date(first.start).toISOString(),
    to: new Date(Date.parse(last.start) + bucket_seconds * 1000).toISOString(),
  };
}
