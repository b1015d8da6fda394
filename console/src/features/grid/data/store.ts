import { LiveSocket, type LiveState } from "@/api/live";
import { isUnreachable, LaterAgain } from "@/api/retry";
import type { RowsApi } from "../api";
import { type CellState, cellKey } from "../model/cells";
import type { Row, Value } from "../model/columns";
import type { Order, Where } from "../model/filter";
import { pageAt, pageFrom, pageOf, type View } from "../model/pages";
import { blockSize, blocksBetween, differenceOf, RowWindow } from "../model/window";
import { Counting } from "./counting";

/** Holds what the grid shows of one table with one filter and order. Components listen by `subscribe`. */
export class GridStore {
  readonly window = new RowWindow();
  readonly cells = new Map<string, CellState>();
  /** Rows that no longer match or stand where they are shown, and rows that were deleted. */
  readonly moved = new Set<string>();
  readonly gone = new Set<string>();
  error: unknown = null;
  isLoading = true;
  hasNew = false;
  live: LiveState = "connecting";
  readonly counting: Counting;
  /** Something was written here and has not reached the server yet. */
  isWaiting = false;
  /** Grows whenever a row has changed, come or gone, here or elsewhere. */
  writes = 0;
  version = 0;
  where: Where = {};
  private order: Order = [];
  private readonly listeners = new Set<() => void>();
  private readonly loads = new Map<number, AbortController>();
  private socket: LiveSocket | null = null;
  private watched = -1;
  /** Grows with each reload: an answer from before it says nothing about what is shown now. */
  epoch = 0;
  private stopWatching: () => void = () => undefined;
  private view = { first: 0, last: 40 };
  private readonly again = new LaterAgain(() => this.retry());

  constructor(readonly rows: RowsApi) {
    this.counting = new Counting(rows);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly getVersion = (): number => this.version;

  /** Begins to listen to changes. Returns what ends it and everything that is under way. */
  readonly open = (): (() => void) => {
    this.socket = new LiveSocket(this.rows.organization, this.rows.app, (state) => {
      this.live = state;
      if (state === "live" && isUnreachable(this.error)) this.retry();
      this.changed();
    });
    this.watched = -1;
    this.watchVisible();
    return () => {
      this.stopWatching();
      this.socket?.close();
      this.socket = null;
      this.again.stop();
      this.counting.reset();
      for (const load of this.loads.values()) load.abort();
      this.loads.clear();
    };
  };

  /** Shows other rows: what is here is forgotten. */
  query(where: Where, order: Order): void {
    this.where = where;
    this.order = order;
    this.reload();
  }

  /** Asks for everything again. */
  readonly reload = (): void => {
    this.epoch += 1;
    this.stopWatching();
    for (const load of this.loads.values()) load.abort();
    this.loads.clear();
    this.counting.reset();
    this.window.clear();
    for (const marked of [this.moved, this.gone]) marked.clear();
    [this.hasNew, this.isLoading, this.error, this.watched] = [false, true, null, -1];
    this.load(0);
    this.changed();
  };

  /** Loads again what is in view, once the server is there again. */
  private retry(): void {
    this.error = null;
    if (this.window.length > 0) {
      this.show(this.view.first, this.view.last);
      void this.count();
    } else this.reload();
  }

  readonly setWaiting = (isWaiting: boolean): void => {
    this.isWaiting = isWaiting;
    this.changed();
  };

  /** Says which rows are in view; loads what is missing of them and a block to both sides. */
  show(first: number, last: number): void {
    this.view = { first, last };
    const numbers = blocksBetween(first, last);
    const [from = 0, to = from] = [numbers[0], numbers.at(-1)];
    for (const [number, load] of this.loads) {
      if (number >= from - 1 && number <= to + 1) continue;
      load.abort();
      this.loads.delete(number);
    }
    for (const number of numbers) this.load(number);
    // The neighbours are cheap once these are here, and are there before one scrolls to them.
    if (this.window.block(to) !== undefined) this.load(to + 1);
    if (this.window.block(from) !== undefined && from > 0) this.load(from - 1);
    this.window.trim(first, last);
    this.watchVisible();
  }

  /** Returns the rows from `first` to `last` as they are shown, and reads those that are not here. */
  async rowsBetween(first: number, last: number, signal?: AbortSignal): Promise<Row[]> {
    const found: Row[] = [];
    for (let index = first; index <= last; index += blockSize) {
      const limit = Math.min(blockSize, last - index + 1);
      const here = Array.from({ length: limit }, (_, offset) => this.window.at(index + offset));
      if (here.every((row) => row !== undefined)) found.push(...here);
      else found.push(...(await this.rows.page(pageAt(this.shown, index, limit), signal)));
    }
    return this.cells.size === 0 ? found : found.map((row) => this.withWritten(row));
  }

  /** Returns a row with what was written into it here and has not reached the server yet. */
  private withWritten(row: Row): Row {
    const pending = this.rows.table.columns.flatMap(({ name }): [string, Value][] => {
      const state = this.cells.get(cellKey(row.id, name));
      return state?.kind === "pending" ? [[name, state.value]] : [];
    });
    return pending.length === 0 ? row : { ...row, values: { ...row.values, ...Object.fromEntries(pending) } };
  }

  /** Shows newer contents of a row. Returns false if it is not near the view. */
  put(row: Row): boolean {
    this.writes += 1;
    this.gone.delete(row.id);
    return this.window.replace(row);
  }

  /** Shows a row after the last, unless it is here already. */
  add(row: Row): void {
    this.writes += 1;
    this.gone.delete(row.id);
    if (this.window.indexOf(row.id) === undefined) this.window.append(row);
  }

  valueOf(row: Row, column: string): Value {
    const state = this.cells.get(cellKey(row.id, column));
    return state?.kind === "pending" ? state.value : (row.values[column] ?? null);
  }

  /** Shows what a cell has again instead of a text that was refused. */
  dropRefused(id: string, column: string): void {
    const key = cellKey(id, column);
    if (this.cells.get(key)?.kind !== "refused") return;
    this.cells.delete(key);
    this.changed();
  }

  /** Takes rows out that were deleted here. */
  remove(ids: ReadonlySet<string>): void {
    this.window.remove(ids);
    this.writes += 1;
    this.changed();
  }

  /** Lets go of rows that are gone or no longer belong where they are, but for those at a place that is kept. */
  leave(isKept: (index: number) => boolean): void {
    const isLeaving = (id: string) => {
      const index = this.window.indexOf(id);
      return index !== undefined && !isKept(index);
    };
    const moved = [...this.moved].filter(isLeaving);
    const gone = [...this.gone].filter(isLeaving);
    if (moved.length + gone.length === 0) return;
    this.window.remove(new Set([...moved, ...gone]));
    for (const id of moved) this.moved.delete(id);
    if (moved.length > 0) {
      // They may be elsewhere now: the rows in view are read again, and shown until then.
      for (const number of blocksBetween(this.view.first, this.view.last)) this.load(number, true);
      void this.count();
    }
    this.show(this.view.first, this.view.last);
    this.changed();
  }

  /** Tells everybody who listens that something is different. */
  readonly changed = (): void => {
    this.version += 1;
    for (const listener of this.listeners) listener();
  };

  async count(): Promise<void> {
    try {
      const count = await this.counting.count(this.where, this.changed);
      if (count === null) return;
      this.window.total = count;
      this.window.atLeast = Math.min(this.window.atLeast, count);
      this.again.reached();
    } catch (error) {
      this.fail(error);
    }
    this.changed();
  }

  /** Keeps what failed to be shown; is the server away, it is asked again by and by. */
  private fail(error: unknown): void {
    this.error = error;
    if (isUnreachable(error) && this.socket !== null) this.again.failed();
  }

  private get shown(): View {
    return { table: this.rows.table, where: this.where, order: this.order };
  }

  private load(number: number, isAgain = false): void {
    const isBeyond = this.window.total !== null && number * blockSize >= Math.max(1, this.window.total);
    const isHere = this.window.block(number) !== undefined && !isAgain;
    if (number < 0 || isBeyond || this.loads.has(number) || isHere) return;
    const loading = new AbortController();
    this.loads.set(number, loading);
    this.read(number, loading.signal)
      .then((rows) => {
        if (loading.signal.aborted) return;
        this.loads.delete(number);
        this.window.put(number, rows, rows.length < blockSize);
        this.isLoading = false;
        this.error = null;
        this.again.reached();
        if (this.window.total === null) void this.count();
        else if (rows.length < blockSize) this.counting.isDone = true;
        this.changed();
        this.show(this.view.first, this.view.last);
      })
      .catch((error: unknown) => {
        if (loading.signal.aborted) return;
        this.loads.delete(number);
        this.isLoading = false;
        this.fail(error);
        this.changed();
      });
  }

  private async read(number: number, signal: AbortSignal): Promise<Row[]> {
    const { page, isBackwards } = pageOf(this.shown, this.window.plan(number));
    const rows = await this.rows.page(page, signal);
    return isBackwards ? rows.reverse() : rows;
  }

  /** Follows the block in the middle of the view: one subscription, however far one scrolls. */
  private watchVisible(): void {
    const number = Math.floor((this.view.first + this.view.last) / 2 / blockSize);
    const first = this.window.block(number)?.[0];
    const isEmpty = number === 0 && this.window.total === 0;
    if (this.socket === null || number === this.watched || (first === undefined && !isEmpty)) return;
    this.watched = number;
    this.stopWatching();
    const page = number === 0 || first === undefined ? pageAt(this.shown, 0) : pageFrom(this.shown, first);
    const { where, orderBy, limit, offset } = page;
    this.stopWatching = this.socket.watch(
      this.rows.watchQuery(),
      { where, order: orderBy, limit, offset },
      (data) => void this.compare(number, this.rows.readWatched(data)),
    );
  }

  private async compare(number: number, pushed: ReadonlyMap<string, string>): Promise<void> {
    const { epoch } = this;
    const block = this.window.block(number) ?? [];
    const { different, displaced, added } = differenceOf(block, pushed, this.gone, this.window);
    const isLast = this.window.total !== null && number * blockSize + block.length >= this.window.total;
    const missing = [...different.map(({ id }) => id), ...(isLast ? added : [])];
    if (added.length > 0 && !isLast) {
      this.hasNew = true;
      this.writes += 1;
    }
    if (missing.length > 0) {
      const rows = await this.rows.byIds(missing).catch((error: unknown) => {
        // What cannot be read is not gone: it is compared again when it is watched again.
        if (epoch === this.epoch) [this.watched] = [-1, this.fail(error)];
        return null;
      });
      if (epoch !== this.epoch || rows === null) return this.changed();
      const present = new Map(rows.map((row) => [row.id, row]));
      for (const { id } of different) {
        const row = present.get(id);
        if (row === undefined) {
          this.gone.add(id);
          this.writes += 1;
        } else if (this.put(row) && (displaced.has(id) || (!pushed.has(id) && added.length === 0))) this.moved.add(id);
      }
      for (const row of rows) this.add(row);
    }
    if (added.length > 0 && !isLast) void this.count();
    this.changed();
  }
}
