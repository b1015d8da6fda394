import type { Queue } from "../queue";

/** So long all slots may be busy before it is worth a word: runs come and go. */
const briefSeconds = 3;
/** A runner that has gone without a word counts as present for as long. */
const presentSeconds = 60;

/** Returns why nothing starts, where that is worth saying. */
export function standstillOf(queue: Queue): NonNullable<Queue["standstill"]> | null {
  const isBrief = (queue.oldest_waiting_seconds ?? 0) < briefSeconds;
  return queue.standstill === "all_busy" && isBrief ? null : queue.standstill;
}

/**
 * Returns after how many seconds the answer may be another although no run has changed; null if it cannot be: a run
 * that is about to be taken, and is not, because its runner is gone.
 */
export function secondsToNextLook(queue: Queue): number | null {
  if (queue.waiting === 0 || standstillOf(queue) !== null) return null;
  return queue.standstill === null ? presentSeconds : briefSeconds - (queue.oldest_waiting_seconds ?? 0);
}
