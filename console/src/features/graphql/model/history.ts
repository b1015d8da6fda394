/** A query that was run, and when. */
export type Entry = { query: string; variables: string; at: string };

const maxEntries = 50;
/** Longer ones are not kept: all of them together are one document of the server. */
const maxLength = 8000;

/** Returns the history with what was run last at its beginning, each query once. */
export function withRun(entries: readonly Entry[], run: Entry): readonly Entry[] {
  if (run.query.length + run.variables.length > maxLength) return entries;
  const others = entries.filter((entry) => entry.query !== run.query || entry.variables !== run.variables);
  return [run, ...others].slice(0, maxEntries);
}
