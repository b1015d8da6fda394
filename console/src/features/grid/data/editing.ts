import { GraphqlError, messageOf } from "@/api/errors";
import { untilReached } from "@/api/retry";
import { t } from "@/i18n";
import { type CellState, cellKey } from "../model/cells";
import { isSame, type Row, type Table, type Value } from "../model/columns";
import { type Change, cellWrites, inverse, realChanges, rowWrites, UndoLog } from "../model/operations";
import type { GridStore } from "./store";

/** How many rows one mutation writes. */
export const batchRows = 1_000;

export type Outcome = { readonly written: number; readonly left: number; readonly error: unknown };
export type Progress = (done: number, all: number) => void;

/** Writes what somebody edits, and takes it back. Nothing is written over what somebody else wrote meanwhile. */
export class Editing {
  private readonly log = new UndoLog();
  /** Writes follow one another, so that an undo never overtakes what it undoes. */
  private last: Promise<unknown> = Promise.resolve();
  /** What was written into new rows and cannot be read again, by row: to redo what was undone. */
  private readonly unread = new Map<string, Record<string, Value>>();

  constructor(private readonly store: GridStore) {}

  /** Writes cells and adds rows. What was written can be undone. */
  change(
    changes: readonly Change[],
    added: readonly Record<string, Value>[] = [],
    signal?: AbortSignal,
    onProgress?: Progress,
  ): Promise<Outcome> {
    const real = realChanges(changes);
    // Shown at once, also while what was written before waits for the server.
    const marks = this.mark(real);
    return this.inTurn(async () => {
      const outcome = await this.write(real, marks, signal, onProgress);
      const rows: Row[] = [];
      let error = outcome.error;
      const objects = added.map((values) => ({ id: newId(), ...values }));
      for (const object of objects) this.keepUnread(object);
      for (let start = 0; start < objects.length && error === null && !signal?.aborted; start += batchRows) {
        try {
          rows.push(...(await this.insert(objects.slice(start, start + batchRows), signal)));
        } catch (failure) {
          error = failure;
        }
      }
      if (outcome.changes.length > 0 || rows.length > 0) {
        this.log.record({ kind: "change", changes: outcome.changes, added: rows });
      }
      this.store.changed();
      return { ...outcome, written: outcome.written + rows.length, error };
    });
  }

  remove(rows: readonly Row[]): Promise<Outcome> {
    return this.inTurn(async () => {
      const removed = await this.removeNow(rows);
      this.log.record({ kind: "delete", rows: removed });
      return { written: removed.length, left: rows.length - removed.length, error: null };
    });
  }

  /** Runs a change of the server's own, whose `changes` can then be undone; none: it cannot. */
  applyElsewhere(change: () => Promise<number>, changes: readonly Change[], deleted: readonly Row[]): Promise<number> {
    return this.inTurn(async () => {
      const count = await change();
      if (changes.length > 0) this.log.record({ kind: "change", changes, added: [] });
      if (deleted.length > 0) this.log.record({ kind: "delete", rows: deleted });
      return count;
    });
  }

  /** Takes back the last operation; null if there is none. */
  undo(): Promise<Outcome | null> {
    return this.inTurn(async () => {
      const operation = this.log.undo();
      if (operation === null) return null;
      if (operation.kind === "delete") return this.restore(operation.rows);
      const outcome = await this.write(inverse(operation.changes));
      if (operation.added.length === 0) return outcome;
      const removed = await this.removeNow(operation.added);
      return { ...outcome, written: outcome.written + removed.length };
    });
  }

  redo(): Promise<Outcome | null> {
    return this.inTurn(async () => {
      const operation = this.log.redo();
      if (operation === null) return null;
      if (operation.kind === "change") {
        const outcome = await this.write(operation.changes);
        if (operation.added.length === 0) return outcome;
        return { ...outcome, written: outcome.written + (await this.restore(operation.added)).written };
      }
      const removed = await this.removeNow(operation.rows);
      return { written: removed.length, left: operation.rows.length - removed.length, error: null };
    });
  }

  private async removeNow(rows: readonly Row[]): Promise<Row[]> {
    const removed: Row[] = [];
    for (let start = 0; start < rows.length; start += batchRows) {
      const batch = rows.slice(start, start + batchRows);
      const { value, wasRepeated } = await this.reach(() => this.store.rows.remove(batch.map(({ id }) => id)));
      removed.push(...value);
      // One batch is one transaction: where nothing of it was left to delete, an attempt without an answer had done it.
      if (wasRepeated || value.length === 0) removed.push(...(await this.goneOf(batch, value)));
    }
    this.store.remove(new Set(removed.map(({ id }) => id)));
    return removed;
  }

  /** Returns the rows of a batch that are neither among `removed` nor there any more. */
  private async goneOf(batch: readonly Row[], removed: readonly Row[]): Promise<Row[]> {
    const known = new Set(removed.map(({ id }) => id));
    const missing = batch.filter(({ id }) => !known.has(id));
    const present = new Set((await this.read(missing.map(({ id }) => id))).map(({ id }) => id));
    return missing.filter(({ id }) => !present.has(id));
  }

  /** Inserts rows that have their ids, so that an insert without an answer can be repeated without doubling them. */
  private async insert(objects: readonly Record<string, Value>[], signal?: AbortSignal): Promise<Row[]> {
    const ids = objects.map(({ id }) => String(id));
    let inserted: Row[];
    try {
      inserted = (await this.reach(() => this.store.rows.insert(objects), signal)).value;
    } catch (error) {
      inserted = error instanceof GraphqlError && error.constraint !== null ? await this.read(ids) : [];
      if (inserted.length !== ids.length) throw error;
    }
    for (const row of inserted) this.store.add(row);
    return inserted;
  }

  private reach<T>(send: () => Promise<T>, signal?: AbortSignal) {
    return untilReached(send, this.store.setWaiting, signal);
  }

  private keepUnread({ id, ...values }: Record<string, Value>): void {
    const names = this.store.rows.table.writeOnly?.map(({ name }) => name) ?? [];
    const written = Object.entries(values).filter(([name]) => names.includes(name));
    if (written.length > 0) this.unread.set(String(id), Object.fromEntries(written));
  }

  private async restore(rows: readonly Row[]): Promise<Outcome> {
    const { columns } = this.store.rows.table;
    const objects = rows.map((row) => ({
      id: row.id,
      ...Object.fromEntries(
        columns
          .filter((column) => column.isAddable ?? column.isEditable)
          .map(({ name }) => [name, row.values[name] ?? null]),
      ),
      ...this.unread.get(row.id),
    }));
    for (let start = 0; start < objects.length; start += batchRows) {
      await this.insert(objects.slice(start, start + batchRows));
    }
    this.store.changed();
    return { written: rows.length, left: 0, error: null };
  }

  /**
   * Writes changes in batches, shown before they are confirmed. Stops at the first batch that is refused, and by
   * `signal` between two batches: a batch that was sent is waited for, since it may have been written.
   */
  private async write(
    changes: readonly Change[],
    marks = this.mark(changes),
    signal?: AbortSignal,
    onProgress?: Progress,
  ) {
    const writes = rowWrites(changes);
    const { cells } = this.store;
    const written = new Set<string>();
    let error: unknown = null;
    for (let start = 0; start < writes.length && error === null && !signal?.aborted; start += batchRows) {
      const batch = writes.slice(start, start + batchRows);
      try {
        const done = (await this.reach(() => this.store.rows.write(batch), signal)).value;
        const ids = new Set(done.map(({ id }) => id));
        const lost = batch.filter(({ id }) => !ids.has(id));
        const cellByCell = lost.filter(({ values }) => Object.keys(values).length > 1).flatMap(cellWrites);
        if (cellByCell.length > 0) await this.reach(() => this.store.rows.write(cellByCell));
        // A write without an answer may have been done, and the browser itself repeats it unseen: what holds now what
        // was to be written is written, whoever wrote it.
        const rest = await this.read(lost.map(({ id }) => id));
        for (const row of [...done, ...rest]) this.store.put(row);
        for (const { id, column } of changes) if (ids.has(id)) written.add(cellKey(id, column));
        for (const row of rest) {
          for (const { id, column, after } of changes) {
            if (id === row.id && isSame(row.values[column], after)) written.add(cellKey(id, column));
          }
        }
        onProgress?.(Math.min(start + batchRows, writes.length), writes.length);
      } catch (failure) {
        error = failure;
      }
    }
    const done = changes.filter(({ id, column }) => written.has(cellKey(id, column)));
    // What was written into a cell after that waits for its own turn.
    const latest = changes.filter(({ id, column }) => {
      const key = cellKey(id, column);
      return cells.get(key) === marks.get(key) && cells.delete(key);
    });
    const isCancelled = signal?.aborted === true;
    if (error !== null && !isCancelled) this.refuse(latest, error);
    const left = error === null && !isCancelled ? changes.length - done.length : 0;
    this.store.changed();
    return { changes: done, written: done.length, left, error: isCancelled ? null : error };
  }

  /** Shows changes that are on their way. Returns their marks by cell. */
  private mark(changes: readonly Change[]): ReadonlyMap<string, CellState> {
    const since = performance.now();
    const marks = new Map(
      changes.map(({ id, column, after }): [string, CellState] => [
        cellKey(id, column),
        { kind: "pending", value: after, since },
      ]),
    );
    for (const [key, mark] of marks) this.store.cells.set(key, mark);
    this.store.changed();
    return marks;
  }

  /** Keeps what was typed at its cell, with the reason. */
  private refuse(changes: readonly Change[], error: unknown): void {
    const reason = reasonOf(error, this.store.rows.table);
    const columns = new Set(reason.columns);
    const guilty = changes.filter(({ column }) => columns.size === 0 || columns.has(column));
    if (changes.length > 200) return;
    for (const { id, column, after } of guilty) {
      const text = typeof after === "object" ? JSON.stringify(after) : String(after);
      this.store.cells.set(cellKey(id, column), {
        kind: "refused",
        text: after === null ? "" : text,
        reason: reason.text,
      });
    }
  }

  /** Reads rows as they are now, as soon as the server can be reached. */
  private async read(ids: readonly string[]): Promise<Row[]> {
    return ids.length === 0 ? [] : (await this.reach(() => this.store.rows.byIds(ids))).value;
  }

  /** Waits until what was written so far has its answer. */
  async settled(): Promise<void> {
    await this.last;
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.last.then(work);
    this.last = turn.catch(() => undefined);
    return turn;
  }
}

/** Returns a new row's id; `randomUUID` is only there on https and on this machine itself. */
function newId(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Returns what to say about a refusal, and the columns that it is about. */
export function reasonOf(error: unknown, table: Table): { text: string; columns: readonly string[] } {
  if (!(error instanceof GraphqlError)) {
    return { text: messageOf(error), columns: [] };
  }
  if (error.emptyColumn !== null) return { text: t("This column must not be empty."), columns: [error.emptyColumn] };
  const { constraint } = error;
  const unique = constraint === null ? undefined : table.unique[constraint];
  if (unique !== undefined) return { text: t("Another row has this value already."), columns: unique };
  const columns = [...table.columns, ...(table.writeOnly ?? [])];
  const checked = columns.find(({ name }) => constraint === `ck_${table.graphqlName}_${name}`);
  if (checked !== undefined) {
    return {
      text: t("This must be one of: {choices}.", { choices: checked.choices.join(", ") }),
      columns: [checked.name],
    };
  }
  const referring = columns.find(({ name, reference }) => reference !== null && constraint?.includes(`_${name}`));
  if (referring !== undefined) return { text: t("There is no such row."), columns: [referring.name] };
  return { text: messageOf(error), columns: [] };
}
