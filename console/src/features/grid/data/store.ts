import { LiveSocket, type LiveState } from "@/api/live";
import type { RowsApi } from "../api";
import type { Row, Value } from "../model/columns";
import { type Order, toOrderBy, type Where } from "../model/filter";
import { after, fullOrder } from "../model/keyset";
import { blockSize, RowWindow } from "../model/window";
import { isUnreachable } from "./retry";

/** What stands in a cell until the server has answered, or because it refused: the text that somebody wrote. */
export type CellState =
  | { readonly kind: "pending"; readonly value: Value; readonly since: number }
  | { readonly kind: "refused"; readonly text: string; readonly reason: string };

export function cellKey(id: string, column: string): string {
  return `${id} ${column}`;
}

/** Holds what the grid shows of one table with one filter and order. Components listen by `subscribe`. */
export class GridStore {
  readonly window = new RowWindow();
  readonly cells = new Map<string, CellState>();
  /** Rows that no longer match or stand where they are shown, and rows that were deleted. */
  readonly moved = new Set<string>();
  readonly gone = new Set<string>();
  error: unknown = null;
  isLoading = true;
  isCounted = false;
  hasNew = false;
  live: LiveState = "connecting";
  /** How many rows may match, from statistics; null until it is known. */
  estimate: number | null = null;
  /** Something was written here and has not reached the server yet. */
  isWaiting = false;
  /** Grows whenever a row has changed, come or gone, here or elsewhere. */
  writes = 0;
  version = 0;
  where: Where = {};
  private order: Order = [];
  private readonly listeners = new Set<() => void>();
  private readonly loads = new Map<number, AbortController>();
  private counting = new AbortController();
  private socket: LiveSocket | null = null;
  private watched = -1;
  /** Grows with each reload: an answer from before it says nothing about what is shown now. */
  private epoch = 0;
  private stopWatching: () => void = () => undefined;
  private view = { first: 0, last: 40 };

  constructor(readonly rows: RowsApi) {}

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
      this.counting.abort();
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
    this.counting.abort();
    this.window.clear();
    this.moved.clear();
    this.gone.clear();
    this.hasNew = false;
    this.isCounted = false;
    this.estimate = null;
    this.isLoading = true;
    this.error = null;
    this.watched = -1;
    this.load(0);
    this.changed();
  };

  /** Loads again what is in view, once the server is there again. */
  private retry(): void {
    this.error = null;
    if (this.window.length === 0) this.reload();
    else this.show(this.view.first, this.view.last);
  }

  readonly setWaiting = (isWaiting: boolean): void => {
    this.isWaiting = isWaiting;
    this.changed();
  };

  /** Says which rows are in view; loads what is missing of them and a block to both sides. */
  show(first: number, last: number): void {
    this.view = { first, last };
    const [from, to] = [Math.floor(first / blockSize), Math.floor(Math.max(0, last) / blockSize)];
    for (const [number, load] of this.loads) {
      if (number >= from - 1 && number <= to + 1) continue;
      load.abort();
      this.loads.delete(number);
    }
    for (let number = from; number <= to; number += 1) this.load(number);
    // The neighbours are cheap once these are here, and are there before one scrolls to them.
    if (this.window.block(to) !== undefined) this.load(to + 1);
    if (this.window.block(from) !== undefined && from > 0) this.load(from - 1);
    this.window.trim(first, last);
    this.watchVisible();
  }

  /** Reads the rows from `first` to `last` that are not here, for what needs them all. */
  async rowsBetween(first: number, last: number, signal?: AbortSignal): Promise<Row[]> {
    const found: Row[] = [];
    for (let index = first; index <= last; index += blockSize) {
      const limit = Math.min(blockSize, last - index + 1);
      const here = Array.from({ length: limit }, (_, offset) => this.window.at(index + offset));
      if (here.every((row) => row !== undefined)) found.push(...here);
      else found.push(...(await this.rows.page({ ...this.page(), limit, offset: index }, signal)));
    }
    return found;
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

  /** Takes rows out that were deleted here. */
  remove(ids: ReadonlySet<string>): void {
    this.window.remove(ids);
    this.writes += 1;
    this.changed();
  }

  /** Tells everybody who listens that something is different. */
  readonly changed = (): void => {
    this.version += 1;
    for (const listener of this.listeners) listener();
  };

  async count(): Promise<void> {
    this.counting.abort();
    const counting = new AbortController();
    this.counting = counting;
    if (this.estimate === null && !this.isCounted) void this.guess(counting.signal);
    try {
      const { count } = await this.rows.summary(this.where, [], counting.signal);
      if (counting.signal.aborted) return;
      this.window.total = count;
      this.window.atLeast = Math.min(this.window.atLeast, count);
      this.isCounted = true;
    } catch (error) {
      if (counting.signal.aborted) return;
      this.error = error;
    }
    this.changed();
  }

  /** Asks how many rows there may be: it comes before the count, which takes long in large tables. */
  private async guess(signal: AbortSignal): Promise<void> {
    const estimate = await this.rows.estimate(this.where, signal).catch(() => null);
    if (signal.aborted || this.isCounted) return;
    this.estimate = estimate;
    this.changed();
  }

  private page() {
    return { where: this.where, orderBy: toOrderBy(this.order), limit: blockSize, offset: 0 };
  }

  private load(number: number): void {
    const isBeyond = this.window.total !== null && number * blockSize >= Math.max(1, this.window.total);
    if (number < 0 || isBeyond || this.loads.has(number) || this.window.block(number) !== undefined) return;
    const loading = new AbortController();
    this.loads.set(number, loading);
    this.read(number, loading.signal)
      .then((rows) => {
        if (loading.signal.aborted) return;
        this.loads.delete(number);
        this.window.put(number, rows, rows.length < blockSize);
        this.isLoading = false;
        this.error = null;
        if (this.window.total === null) void this.count();
        else if (rows.length < blockSize) this.isCounted = true;
        this.changed();
        this.show(this.view.first, this.view.last);
      })
      .catch((error: unknown) => {
        if (loading.signal.aborted) return;
        this.loads.delete(number);
        this.isLoading = false;
        this.error = error;
        this.changed();
      });
  }

  private async read(number: number, signal: AbortSignal): Promise<Row[]> {
    const plan = this.window.plan(number);
    const page = this.page();
    if (plan.kind === "offset") return this.rows.page({ ...page, offset: plan.offset }, signal);
    if (plan.kind === "after") return this.rows.page({ ...page, where: this.beside(plan.row, false) }, signal);
    const orderBy = fullOrder(this.order, true).map(({ column, isDescending }) => ({
      [column]: isDescending ? "desc" : "asc",
    }));
    const backwards =
      plan.kind === "before"
        ? { ...page, orderBy, where: this.beside(plan.row, true) }
        : { ...page, orderBy, offset: plan.skip, limit: plan.limit };
    return (await this.rows.page(backwards, signal)).reverse();
  }

  private beside(row: Row, isBackwards: boolean): Where {
    const notNull = new Set(this.rows.table.columns.filter((column) => column.isRequired).map(({ name }) => name));
    return { _and: [this.where, after(row, fullOrder(this.order, isBackwards), notNull.add("id"))] };
  }

  /** Follows the block in the middle of the view: one subscription, however far one scrolls. */
  private watchVisible(): void {
    const number = Math.floor((this.view.first + this.view.last) / 2 / blockSize);
    const first = this.window.block(number)?.[0];
    const isEmpty = number === 0 && this.window.total === 0;
    if (this.socket === null || number === this.watched || (first === undefined && !isEmpty)) return;
    this.watched = number;
    this.stopWatching();
    const where: Where =
      number === 0 || first === undefined
        ? this.where
        : { _and: [this.where, { _or: [{ id: { _eq: first.id } }, this.beside(first, false)] }] };
    const { orderBy, limit, offset } = this.page();
    this.stopWatching = this.socket.watch(
      this.rows.watchQuery(),
      { where, order: orderBy, limit, offset },
      (data) => void this.compare(number, this.rows.readWatched(data)),
    );
  }

  private async compare(number: number, pushed: ReadonlyMap<string, string>): Promise<void> {
    const { epoch } = this;
    const block = this.window.block(number) ?? [];
    const different = block.filter(
      ({ id, updatedAt }) => pushed.get(id) !== updatedAt && (pushed.has(id) || !this.gone.has(id)),
    );
    const added = [...pushed.keys()].filter((id) => this.window.indexOf(id) === undefined);
    const isLast = this.window.total !== null && number * blockSize + block.length >= this.window.total;
    const missing = [...different.map(({ id }) => id), ...(isLast ? added : [])];
    if (added.length > 0 && !isLast) {
      this.hasNew = true;
      this.writes += 1;
    }
    if (missing.length > 0) {
      const rows = await this.rows.byIds(missing).catch(() => []);
      if (epoch !== this.epoch) return;
      const present = new Map(rows.map((row) => [row.id, row]));
      for (const { id } of different) {
        const row = present.get(id);
        if (row === undefined) {
          this.gone.add(id);
          this.writes += 1;
        } else if (this.put(row) && !pushed.has(id) && added.length === 0) this.moved.add(id);
      }
      for (const row of rows) this.add(row);
    }
    if (added.length > 0 && !isLast) void this.count();
    this.changed();
  }
}
