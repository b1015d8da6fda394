/** A file's text; null where the file is not there. */
export type Text = string | null;
export type Files = ReadonlyMap<string, string>;
export type Changes = ReadonlyMap<string, Text>;

/** Part of a merged text: lines that both agree on, or a place that both changed. */
export type Region =
  | { kind: "agreed"; lines: string[] }
  | { kind: "conflict"; base: string[]; mine: string[]; theirs: string[] };

/** How one file merges; `text` has mine where both changed the same place. */
export type MergedFile = { path: string; base: Text; mine: Text; theirs: Text; text: Text; conflicts: number };

/** Returns what to do with each file that I changed, now that others have saved `theirs` since `base`. */
export function mergeTrees(base: Files, mine: Changes, theirs: Files): MergedFile[] {
  return [...mine].map(([path, text]) => mergeFile(path, base.get(path) ?? null, text, theirs.get(path) ?? null));
}

function mergeFile(path: string, base: Text, mine: Text, theirs: Text): MergedFile {
  if (theirs === base || mine === theirs) return { path, base, mine, theirs, text: mine, conflicts: 0 };
  if (mine === base) return { path, base, mine, theirs, text: theirs, conflicts: 0 };
  if (mine === null || theirs === null) return { path, base, mine, theirs, text: mine, conflicts: 1 };
  const regions = mergeLines(base ?? "", mine, theirs);
  const lines = regions.flatMap((region) => (region.kind === "agreed" ? region.lines : region.mine));
  const conflicts = regions.filter(({ kind }) => kind === "conflict").length;
  return { path, base, mine, theirs, text: lines.join("\n"), conflicts };
}

/**
 * Merges two texts line by line as diff3 does: lines of `base` that both kept anchor the rest; between anchors, what
 * only one changed is taken, and what both changed differently is a conflict.
 */
export function mergeLines(base: string, mine: string, theirs: string): Region[] {
  const [baseLines, mineLines, theirLines] = [base.split("\n"), mine.split("\n"), theirs.split("\n")];
  const inMine = matches(baseLines, mineLines);
  const inTheirs = matches(baseLines, theirLines);
  const regions: Region[] = [];
  let [baseAt, mineAt, theirsAt] = [0, 0, 0];
  for (let anchor = 0; anchor <= baseLines.length; anchor += 1) {
    const isEnd = anchor === baseLines.length;
    const mineTo = isEnd ? mineLines.length : inMine[anchor];
    const theirsTo = isEnd ? theirLines.length : inTheirs[anchor];
    if (mineTo === undefined || theirsTo === undefined) continue;
    add(regions, {
      base: baseLines.slice(baseAt, anchor),
      mine: mineLines.slice(mineAt, mineTo),
      theirs: theirLines.slice(theirsAt, theirsTo),
    });
    const kept = baseLines[anchor];
    if (kept !== undefined) agree(regions, [kept]);
    [baseAt, mineAt, theirsAt] = [anchor + 1, mineTo + 1, theirsTo + 1];
  }
  return regions;
}

function add(regions: Region[], { base, mine, theirs }: { base: string[]; mine: string[]; theirs: string[] }): void {
  if (isSame(mine, theirs) || isSame(theirs, base)) agree(regions, mine);
  else if (isSame(mine, base)) agree(regions, theirs);
  else regions.push({ kind: "conflict", base, mine, theirs });
}

function agree(regions: Region[], lines: string[]): void {
  const last = regions.at(-1);
  if (lines.length === 0) return;
  if (last?.kind === "agreed") last.lines.push(...lines);
  else regions.push({ kind: "agreed", lines: [...lines] });
}

function isSame(one: string[], other: string[]): boolean {
  return one.length === other.length && one.every((line, index) => line === other[index]);
}

/**
 * Returns, for lines of `from`, the place in `to` where a longest common subsequence has them (Myers' algorithm). Where
 * the texts differ in more than `maxDistance` lines, only their common beginning and end count.
 */
function matches(from: string[], to: string[], maxDistance = 1000): (number | undefined)[] {
  const found: (number | undefined)[] = new Array(from.length).fill(undefined);
  let start = 0;
  while (start < from.length && start < to.length && from[start] === to[start]) {
    found[start] = start;
    start += 1;
  }
  let [fromEnd, toEnd] = [from.length, to.length];
  while (fromEnd > start && toEnd > start && from[fromEnd - 1] === to[toEnd - 1]) {
    fromEnd -= 1;
    toEnd -= 1;
    found[fromEnd] = toEnd;
  }
  for (const [one, other] of myers(from.slice(start, fromEnd), to.slice(start, toEnd), maxDistance)) {
    found[start + one] = start + other;
  }
  return found;
}

function myers(from: string[], to: string[], maxDistance: number): [number, number][] {
  const furthest = new Map<number, number>([[1, 0]]);
  const trace: Map<number, number>[] = [];
  for (let distance = 0; distance <= Math.min(from.length + to.length, maxDistance); distance += 1) {
    trace.push(new Map(furthest));
    for (let diagonal = -distance; diagonal <= distance; diagonal += 2) {
      let x = isDown(furthest, diagonal, distance)
        ? reached(furthest, diagonal + 1)
        : reached(furthest, diagonal - 1) + 1;
      while (x < from.length && x - diagonal < to.length && from[x] === to[x - diagonal]) x += 1;
      furthest.set(diagonal, x);
      if (x >= from.length && x - diagonal >= to.length) return walkBack(trace, from.length, to.length);
    }
  }
  return [];
}

function walkBack(trace: Map<number, number>[], fromEnd: number, toEnd: number): [number, number][] {
  const pairs: [number, number][] = [];
  let [x, y] = [fromEnd, toEnd];
  for (let distance = trace.length - 1; distance >= 0; distance -= 1) {
    const furthest = trace[distance] ?? new Map();
    const before = isDown(furthest, x - y, distance) ? x - y + 1 : x - y - 1;
    const beforeX = reached(furthest, before);
    while (x > beforeX && y > beforeX - before) {
      x -= 1;
      y -= 1;
      pairs.push([x, y]);
    }
    if (distance > 0) [x, y] = [beforeX, beforeX - before];
  }
  return pairs;
}

function isDown(furthest: Map<number, number>, diagonal: number, distance: number): boolean {
  if (diagonal === -distance) return true;
  return diagonal !== distance && reached(furthest, diagonal - 1) < reached(furthest, diagonal + 1);
}

function reached(furthest: Map<number, number>, diagonal: number): number {
  return furthest.get(diagonal) ?? 0;
}
