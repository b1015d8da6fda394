import { describe, expect, test } from "vitest";
import { mergeLines, mergeTrees } from "./merge";

/** A generator of numbers below `max`, the same in each run. */
function numbers(seed: number): (max: number) => number {
  let state = seed;
  return (max) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state % max;
  };
}

function someText(next: (max: number) => number): string {
  return Array.from({ length: next(12) }, () => "abc"[next(3)]).join("\n");
}

/** Changes some lines of a text. */
function edited(text: string, next: (max: number) => number): string {
  const lines = text.split("\n");
  for (let count = next(4); count > 0; count -= 1) lines.splice(next(lines.length + 1), next(3), `new ${next(5)}`);
  return lines.join("\n");
}

const side = (regions: ReturnType<typeof mergeLines>, of: "mine" | "theirs"): string =>
  regions.flatMap((region) => (region.kind === "agreed" ? region.lines : region[of])).join("\n");
const conflicts = (regions: ReturnType<typeof mergeLines>) => regions.filter(({ kind }) => kind === "conflict");

describe("merging lines", () => {
  const seeds = Array.from({ length: 400 }, (_, seed) => seed + 1);
  const forEachSeed = (check: (next: ReturnType<typeof numbers>) => void) => () => {
    for (const seed of seeds) check(numbers(seed));
  };

  test(
    "what only one side changed is taken as it is",
    forEachSeed((next) => {
      const base = someText(next);
      const changed = edited(base, next);
      for (const regions of [mergeLines(base, changed, base), mergeLines(base, base, changed)]) {
        expect(conflicts(regions)).toEqual([]);
        expect(side(regions, "mine")).toBe(changed);
      }
      expect(side(mergeLines(base, changed, changed), "mine")).toBe(changed);
      expect(conflicts(mergeLines(base, changed, changed))).toEqual([]);
    }),
  );

  test(
    "no line that anyone added is lost, and the sides are alike but for their places",
    forEachSeed((next) => {
      const base = someText(next);
      const [mine, theirs] = [edited(base, next).replaceAll("new", "my"), edited(base, next)];
      const regions = mergeLines(base, mine, theirs);
      const everywhere = regions.flatMap((region) =>
        region.kind === "agreed" ? region.lines : [...region.mine, ...region.theirs],
      );
      const added = (text: string) => text.split("\n").filter((line) => /^(my|new) /.test(line));
      for (const line of [...added(mine), ...added(theirs)]) expect(everywhere).toContain(line);
      const mirrored = mergeLines(base, theirs, mine);
      expect(side(mirrored, "theirs")).toBe(side(regions, "mine"));
    }),
  );

  test("two changes far apart merge, two of one line do not", () => {
    expect(side(mergeLines("a\nb\nc\nd", "A\nb\nc\nd", "a\nb\nc\nD"), "mine")).toBe("A\nb\nc\nD");
    expect(conflicts(mergeLines("a\nb\nc", "a\nX\nc", "a\nY\nc"))).toEqual([
      { kind: "conflict", base: ["b"], mine: ["X"], theirs: ["Y"] },
    ]);
  });

  test("texts with thousands of differing lines end, and lose nothing", () => {
    const lines = (word: string) => Array.from({ length: 5000 }, (_, index) => `${word} ${index}`).join("\n");
    const regions = mergeLines(lines("a"), lines("b"), lines("c"));
    expect(side(regions, "mine")).toBe(lines("b"));
    expect(side(regions, "theirs")).toBe(lines("c"));
  });
});

test("a tree: files that only I touched stay mine, and a file removed by one and changed by the other is a conflict", () => {
  const base = new Map(Object.entries({ a: "1\n2\n3", b: "x", c: "y", gone: "z" }));
  const theirs = new Map(Object.entries({ a: "1\n2\nthree", b: "x", c: "theirs" }));
  const mine = new Map([
    ["a", "one\n2\n3"],
    ["b", "mine"],
    ["c", null],
    ["gone", "changed"],
    ["new", "n"],
  ]);
  const merged = mergeTrees(base, mine, theirs);
  expect(merged.map(({ path, text, conflicts }) => [path, text, conflicts])).toEqual([
    ["a", "one\n2\nthree", 0],
    ["b", "mine", 0],
    ["c", null, 1],
    ["gone", "changed", 1],
    ["new", "n", 0],
  ]);
});
