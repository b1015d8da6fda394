/** Gives generated cases to tests: the same ones in every run. */
export class Seeded {
  constructor(private state: number) {}

  /** Returns a whole number from 0 to below `bound`. */
  below(bound: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }

  text(characters: string, maxLength: number): string {
    return Array.from({ length: this.below(maxLength + 1) }, () => this.pick([...characters])).join("");
  }
}

/** Runs `check` with `count` generators, each with its own seed; the seed is named when one fails. */
export function forSeeds(check: (random: Seeded) => void, count = 100): void {
  for (let seed = 0; seed < count; seed += 1) {
    try {
      check(new Seeded(seed));
    } catch (error) {
      throw new Error(`with seed ${seed}: ${String(error)}`, { cause: error });
    }
  }
}
