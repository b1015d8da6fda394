import type { RowsApi } from "../api";
import type { Where } from "../model/filter";

/** Counts the rows that match. An estimate comes first: a count takes long in large tables. */
export class Counting {
  isDone = false;
  /** How many rows may match, from statistics; null until it is known. */
  estimate: number | null = null;
  private stopping = new AbortController();

  constructor(private readonly rows: RowsApi) {}

  /** Ends what is under way, and forgets what is known. */
  reset(): void {
    this.stopping.abort();
    this.isDone = false;
    this.estimate = null;
  }

  /** Returns the number of rows; null if another count has begun meanwhile. `onEstimate` is called when there is one. */
  async count(where: Where, onEstimate: () => void): Promise<number | null> {
    this.stopping.abort();
    this.stopping = new AbortController();
    const { signal } = this.stopping;
    if (this.estimate === null && !this.isDone) void this.guess(where, signal, onEstimate);
    try {
      const { count } = await this.rows.summary(where, [], signal);
      this.isDone ||= !signal.aborted;
      return signal.aborted ? null : count;
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    }
  }

  private async guess(where: Where, signal: AbortSignal, onEstimate: () => void): Promise<void> {
    const estimate = await this.rows.estimate(where, signal).catch(() => null);
    if (signal.aborted || this.isDone) return;
    this.estimate = estimate;
    onEstimate();
  }
}
