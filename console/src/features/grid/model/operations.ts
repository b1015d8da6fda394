import { isSame, type Row, type Value } from "./columns";

/** One cell that somebody changed. */
export type Change = {
  readonly id: string;
  readonly column: string;
  readonly before: Value;
  readonly after: Value;
};

/** One thing that was done and can be undone. */
export type Operation =
  | { readonly kind: "change"; readonly changes: readonly Change[]; readonly added: readonly Row[] }
  | { readonly kind: "delete"; readonly rows: readonly Row[] };

/** All changes of one row, written only if the row still has every value of `expected`. */
export type RowWrite = {
  readonly id: string;
  readonly expected: Readonly<Record<string, Value>>;
  readonly values: Readonly<Record<string, Value>>;
};

const maxOperations = 100;

/** Keeps what was done in one document and session, and what of it was undone. */
export class UndoLog {
  private done: Operation[] = [];
  private undone: Operation[] = [];

  record(operation: Operation): void {
    this.done = [...this.done, operation].slice(-maxOperations);
    this.undone = [];
  }

  /** Returns what is to be undone next. It counts as undone. */
  undo(): Operation | null {
    return move(this.done, this.undone);
  }

  redo(): Operation | null {
    return move(this.undone, this.done);
  }
}

function move(from: Operation[], to: Operation[]): Operation | null {
  const operation = from.pop();
  if (operation === undefined) return null;
  to.push(operation);
  return operation;
}

export function inverse(changes: readonly Change[]): Change[] {
  return changes.map(({ id, column, before, after }) => ({ id, column, before: after, after: before }));
}

/** Joins changes of the same row; a cell that changes twice keeps its first value before and its last after. */
export function rowWrites(changes: readonly Change[]): RowWrite[] {
  const rows = new Map<string, { expected: Record<string, Value>; values: Record<string, Value> }>();
  for (const { id, column, before, after } of changes) {
    const row = rows.get(id) ?? { expected: {}, values: {} };
    rows.set(id, row);
    if (!(column in row.values)) row.expected[column] = before;
    row.values[column] = after;
  }
  return [...rows].map(([id, row]) => ({ id, ...row }));
}

/** Takes a write apart into one for each cell. */
export function cellWrites(write: RowWrite): RowWrite[] {
  return Object.entries(write.values).map(([column, value]) => ({
    id: write.id,
    expected: { [column]: write.expected[column] ?? null },
    values: { [column]: value },
  }));
}

/** Drops changes that change nothing. */
export function realChanges(changes: readonly Change[]): Change[] {
  return changes.filter(({ before, after }) => !isSame(before, after));
}
