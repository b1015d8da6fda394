import type { Row } from "./columns";

export const blockSize = 200;
export const maxRows = 5_000;

/** Returns the numbers of the blocks that hold the rows from `first` to `last`. */
export function blocksBetween(first: number, last: number): number[] {
  const [from, to] = [Math.floor(first / blockSize), Math.floor(Math.max(0, last) / blockSize)];
  return Array.from({ length: to - from + 1 }, (_, offset) => from + offset);
}

/** How a block is asked for: beside a row that is here, from the end, or by its number. */
export type Plan =
  | { readonly kind: "after"; readonly row: Row }
  | { readonly kind: "before"; readonly row: Row }
  | { readonly kind: "end"; readonly skip: number; readonly limit: number }
  | { readonly kind: "offset"; readonly offset: number };

/** Holds the part of a table's rows that is near the view, in blocks, and forgets what is far from it. */
export class RowWindow {
  private blocks = new Map<number, readonly Row[]>();
  private places = new Map<string, number>();
  /** Rows that match, when known: by a count, or because a block came short. */
  total: number | null = null;
  /** Rows that are known to be there. */
  atLeast = 0;

  /** Rows that the view lays out; one block more than known while the count is on its way. */
  get length(): number {
    return this.total ?? this.atLeast;
  }

  at(index: number): Row | undefined {
    return this.blocks.get(Math.floor(index / blockSize))?.[index % blockSize];
  }

  indexOf(id: string): number | undefined {
    return this.places.get(id);
  }

  block(number: number): readonly Row[] | undefined {
    return this.blocks.get(number);
  }

  get loaded(): number {
    return this.places.size;
  }

  /** Returns how to ask for a block, the cheapest way first. */
  plan(number: number): Plan {
    const before = this.blocks.get(number - 1)?.[blockSize - 1];
    if (before !== undefined) return { kind: "after", row: before };
    const next = this.blocks.get(number + 1)?.[0];
    if (next !== undefined) return { kind: "before", row: next };
    const offset = number * blockSize;
    if (this.total !== null && offset > this.total / 2) {
      const end = Math.min(offset + blockSize, this.total);
      return { kind: "end", skip: this.total - end, limit: end - offset };
    }
    return { kind: "offset", offset };
  }

  /** Keeps a block that was read; `isLast` if nothing comes after it. */
  put(number: number, rows: readonly Row[], isLast: boolean): void {
    for (const row of this.blocks.get(number) ?? []) this.places.delete(row.id);
    if (rows.length === 0) this.blocks.delete(number);
    else this.blocks.set(number, rows);
    rows.forEach((row, index) => {
      this.places.set(row.id, number * blockSize + index);
    });
    const end = number * blockSize + rows.length;
    this.atLeast = Math.max(this.atLeast, end);
    if (isLast && (rows.length > 0 || number === 0)) this.total = end;
  }

  /** Puts newer contents of a row in its place. Returns false if it is not here. */
  replace(row: Row): boolean {
    const index = this.places.get(row.id);
    if (index === undefined) return false;
    const number = Math.floor(index / blockSize);
    const rows = this.blocks.get(number) ?? [];
    this.blocks.set(number, rows.with(index % blockSize, row));
    return true;
  }

  /** Puts a row after the last. */
  append(row: Row): void {
    const index = this.length;
    const number = Math.floor(index / blockSize);
    const rows = this.blocks.get(number) ?? [];
    if (rows.length === index % blockSize) {
      this.blocks.set(number, [...rows, row]);
      this.places.set(row.id, index);
    }
    if (this.total !== null) this.total += 1;
    this.atLeast += 1;
  }

  /** Takes rows out and moves up what comes after them; blocks that are no longer whole are forgotten. */
  remove(ids: ReadonlySet<string>): void {
    const removed = [...ids].flatMap((id) => this.places.get(id) ?? []).sort((one, other) => one - other);
    const kept = new Map<number, Row>();
    for (const [number, rows] of this.blocks) {
      rows.forEach((row, position) => {
        const index = number * blockSize + position;
        if (!ids.has(row.id)) kept.set(index - removed.filter((other) => other < index).length, row);
      });
    }
    // Also those that are not near the view are gone.
    if (this.total !== null) this.total = Math.max(0, this.total - ids.size);
    this.atLeast = Math.max(0, this.atLeast - ids.size);
    const numbers = new Set([...kept.keys()].map((index) => Math.floor(index / blockSize)));
    this.blocks.clear();
    this.places.clear();
    for (const number of numbers) {
      const first = number * blockSize;
      const size = Math.min(blockSize, this.length - first);
      const rows = Array.from({ length: size }, (_, position) => kept.get(first + position));
      if (rows.every((row) => row !== undefined)) this.put(number, rows, false);
    }
  }

  /** Forgets the blocks farthest from the view until at most `maxRows` rows are here. */
  trim(first: number, last: number): void {
    const middle = (first + last) / 2 / blockSize;
    const far = [...this.blocks.keys()].sort((one, other) => Math.abs(other - middle) - Math.abs(one - middle));
    for (const number of far) {
      if (this.places.size <= maxRows) return;
      for (const row of this.blocks.get(number) ?? []) this.places.delete(row.id);
      this.blocks.delete(number);
    }
  }

  clear(): void {
    this.blocks.clear();
    this.places.clear();
    this.total = null;
    this.atLeast = 0;
  }
}

/**
 * Compares a block that is shown with what the server has pushed: when each of its rows last changed, in order. Returns
 * the rows that are different, which of them stand elsewhere, and the ids of those that are not here.
 */
export function differenceOf(
  block: readonly Row[],
  pushed: ReadonlyMap<string, string>,
  gone: ReadonlySet<string>,
  window: RowWindow,
) {
  const different = block.filter(
    ({ id, updatedAt }) => pushed.get(id) !== updatedAt && (pushed.has(id) || !gone.has(id)),
  );
  const displaced = displacedOf(
    block.map(({ id }) => id),
    [...pushed.keys()],
    new Set(different.map(({ id }) => id)),
  );
  return { different, displaced, added: [...pushed.keys()].filter((id) => window.indexOf(id) === undefined) };
}

/** Returns which changed rows stand elsewhere among the others than they are shown. */
export function displacedOf(
  shown: readonly string[],
  ordered: readonly string[],
  changed: ReadonlySet<string>,
): Set<string> {
  const here = new Set(shown);
  const places = placesAmong(
    ordered.filter((id) => here.has(id)),
    changed,
  );
  const before = placesAmong(shown, changed);
  return new Set([...changed].filter((id) => places.has(id) && places.get(id) !== before.get(id)));
}

/** Returns for each changed row how many of the others stand before it. */
function placesAmong(ids: readonly string[], changed: ReadonlySet<string>): Map<string, number> {
  const places = new Map<string, number>();
  let others = 0;
  for (const id of ids) {
    if (changed.has(id)) places.set(id, others);
    else others += 1;
  }
  return places;
}
