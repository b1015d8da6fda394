import type { Edit, Position } from "./wire";

/** Returns a text with edits put in; they do not overlap. */
export function applied(text: string, edits: readonly Edit[]): string {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  const offset = ({ line, character }: Position) => Math.min((starts[line] ?? text.length) + character, text.length);
  const spans = edits.map(({ range, text: insert }) => ({
    from: offset(range.start),
    to: offset(range.end),
    insert,
  }));
  spans.sort((one, other) => other.from - one.from);
  let changed = text;
  for (const { from, to, insert } of spans) changed = changed.slice(0, from) + insert + changed.slice(to);
  return changed;
}
