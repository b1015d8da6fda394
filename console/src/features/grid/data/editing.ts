import { GraphqlError, messageOf } from "@/api/errors";
import { t } from "@/i18n";
import { isSame, type Row, type Table, type Value } from "../model/columns";
import { type Change, cellWrites, inverse, realChanges, rowWrites, UndoLog } from "../model/operations";
import { cellKey, type GridStore } from "./store";

/** How many rows one mutation writes. */
export const batchRows = 1_000;

export type Outcome = { readonly written: number; readonly left: number; readonly error: unknown };
export type Progress = (done: number, all: number) => void;

/** Writes what somebody edits, and takes it back. Nothing is written over what somebody else wrote meanwhile. */
export class Editing {
  private readonly log = new UndoLog();
  /** Writes follow one another, so that an undo never overtakes what it undoes. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly store: GridStore) {}

  /** Writes cells and adds rows. What was written can be undone. */
  change(
    changes: readonly Change[],
    added: readonly Record<string, Value>[] = [],
    signal?: AbortSignal,
    onProgress?: Progress,
  ): Promise<Outcome> {
    return this.inTurn(async () => {
      const outcome = await this.write(realChanges(changes), signal, onProgress);
      const rows: Row[] = [];
      let error = outcome.error;
      for (let start = 0; start < added.length && error === null && !signal?.aborted; start += batchRows) {
        try {
          const inserted = await this.store.rows.insert(added.slice(start, start + batchRows));
          for (const row of inserted) this.store.add(row);
          rows.push(...inserted);
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

  remove(ids: readonly string[]): Promise<Outcome> {
    return this.inTurn(async () => {
      const rows = await this.removeNow(ids);
      this.log.record({ kind: "delete", rows });
      return { written: rows.length, left: ids.length - rows.length, error: null };
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
      const removed = await this.removeNow(operation.added.map(({ id }) => id));
      return { ...outcome, written: outcome.written + removed.length };
    });
  }

  redo(): Promise<Outcome | null> {
    return this.inTurn(async () => {
      const operation = this.log.redo();
      if (operation === null) return null;
      if (operation.kind === "change") {
        const outcome = await this.write(operation.changes);
        return operation.added.length === 0 ? outcome : this.restore(operation.added);
      }
      const removed = await this.removeNow(operation.rows.map(({ id }) => id));
      return { written: removed.length, left: operation.rows.length - removed.length, error: null };
    });
  }

  private async removeNow(ids: readonly string[]): Promise<Row[]> {
    const removed: Row[] = [];
    for (let start = 0; start < ids.length; start += batchRows) {
      removed.push(...(await this.store.rows.remove(ids.slice(start, start + batchRows))));
    }
    this.store.window.remove(new Set(removed.map(({ id }) => id)));
    this.store.changed();
    return removed;
  }

  private async restore(rows: readonly Row[]): Promise<Outcome> {
    const { columns } = this.store.rows.table;
    const objects = rows.map((row) => ({
      id: row.id,
      ...Object.fromEntries(
        columns.filter((column) => column.isEditable).map(({ name }) => [name, row.values[name] ?? null]),
      ),
    }));
    for (let start = 0; start < objects.length; start += batchRows) {
      const inserted = await this.store.rows.insert(objects.slice(start, start + batchRows));
      for (const row of inserted) this.store.add(row);
    }
    this.store.changed();
    return { written: rows.length, left: 0, error: null };
  }

  /**
   * Writes changes in batches, shown before they are confirmed. Stops at the first batch that is refused, and by
   * `signal` between two batches: a batch that was sent is waited for, since it may have been written.
   */
  private async write(changes: readonly Change[], signal?: AbortSignal, onProgress?: Progress) {
    const writes = rowWrites(changes);
    const { cells } = this.store;
    const since = performance.now();
    for (const { id, column, after } of changes)
      cells.set(cellKey(id, column), { kind: "pending", value: after, since });
    this.store.changed();
    const written = new Set<string>();
    let error: unknown = null;
    for (let start = 0; start < writes.length && error === null && !signal?.aborted; start += batchRows) {
      const batch = writes.slice(start, start + batchRows);
      try {
        const done = await this.store.rows.write(batch);
        const ids = new Set(done.map(({ id }) => id));
        const lost = batch.filter(({ id, values }) => !ids.has(id) && Object.keys(values).length > 1);
        const rest = lost.length === 0 ? [] : await this.store.rows.write(lost.flatMap(cellWrites));
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
    for (const { id, column } of changes) cells.delete(cellKey(id, column));
    const isCancelled = signal?.aborted === true;
    if (error !== null && !isCancelled) this.refuse(changes, error);
    const left = error === null && !isCancelled ? changes.length - done.length : 0;
    if (left > 0) await this.refresh(changes.filter((change) => !done.includes(change)));
    this.store.changed();
    return { changes: done, written: done.length, left, error: isCancelled ? null : error };
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

  /** Shows what somebody else wrote where ours was not written. */
  private async refresh(changes: readonly Change[]): Promise<void> {
    const ids = [...new Set(changes.map(({ id }) => id))].slice(0, batchRows);
    for (const row of await this.store.rows.byIds(ids)) this.store.put(row);
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.last.then(work);
    this.last = turn.catch(() => undefined);
    return turn;
  }
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
  const checked = table.columns.find(({ name }) => constraint === `ck_${table.graphqlName}_${name}`);
  if (checked !== undefined) {
    return {
      text: t("This must be one of: {choices}.", { choices: checked.choices.join(", ") }),
      columns: [checked.name],
    };
  }
  const referring = table.columns.find(({ name, reference }) => reference !== null && constraint?.includes(`_${name}`));
  if (referring !== undefined) return { text: t("There is no such row."), columns: [referring.name] };
  return { text: messageOf(error), columns: [] };
}
