import { ApiError, NetworkError } from "./errors";

const maxDelay = 10_000;

/** What was answered, and whether it was sent more than once: the first may have been done without an answer. */
export type Reached<T> = { readonly value: T; readonly wasRepeated: boolean };

/**
 * Sends until the server is reached: what somebody typed waits here as long as it takes. Rejects with what the server
 * refuses, and when `signal` ends the waiting. `onWaiting` says at each failure why it waits, and when that ends.
 */
export async function untilReached<T>(
  send: () => Promise<T>,
  onWaiting: (isWaiting: boolean, error: unknown) => void,
  signal?: AbortSignal,
): Promise<Reached<T>> {
  for (let failures = 0; ; failures += 1) {
    try {
      const value = await send();
      if (failures > 0) onWaiting(false, null);
      return { value, wasRepeated: failures > 0 };
    } catch (error) {
      if (!isUnreachable(error) || signal?.aborted) {
        if (failures > 0) onWaiting(false, null);
        throw error;
      }
      onWaiting(true, error);
    }
    await pause(Math.min(500 * 2 ** failures, maxDelay), signal);
  }
}

/** Calls `again` a while after the server could not be reached, later each time until it is. */
export class LaterAgain {
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly again: () => void) {}

  failed(): void {
    if (this.timer !== undefined) return;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        this.again();
      },
      Math.min(500 * 2 ** this.failures, maxDelay),
    );
    this.failures += 1;
  }

  reached(): void {
    this.failures = 0;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}

/** Tells whether nobody answered, or only what stands before the server. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof NetworkError || (error instanceof ApiError && [502, 503, 504].includes(error.status));
}

/** Waits; no longer than until the browser is online again, or the signal comes. */
function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      globalThis.removeEventListener?.("online", done);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    globalThis.addEventListener?.("online", done);
    signal?.addEventListener("abort", done);
  });
}
