import { expect, test, vi } from "vitest";
import { ApiError, NetworkError } from "./errors";
import { LaterAgain, untilReached } from "./retry";

function failing(times: number, error: Error) {
  let calls = 0;
  return vi.fn(async () => {
    calls += 1;
    if (calls <= times) throw error;
    return calls;
  });
}

test("what nobody answered is sent again until somebody does", async () => {
  vi.useFakeTimers();
  const waiting: boolean[] = [];
  const send = failing(3, new NetworkError("no answer"));
  const reached = untilReached(send, (isWaiting) => waiting.push(isWaiting));
  await vi.advanceTimersByTimeAsync(500 + 1000 + 2000);
  expect(await reached).toEqual({ value: 4, wasRepeated: true });
  expect(waiting).toEqual([true, true, true, false]);
  vi.useRealTimers();
});

test("what the server refuses is refused at once", async () => {
  const refusal = new ApiError(422, "validation_failed", "no", [], null, null);
  const send = failing(9, refusal);
  await expect(untilReached(send, () => undefined)).rejects.toBe(refusal);
  expect(send).toHaveBeenCalledTimes(1);
});

test("waiting ends with its signal", async () => {
  const stopping = new AbortController();
  const away = new NetworkError("no answer");
  const reached = untilReached(failing(99, away), () => undefined, stopping.signal);
  const outcome = expect(reached).rejects.toBe(away);
  await new Promise((resolve) => setTimeout(resolve, 5));
  stopping.abort();
  await outcome;
});

test("what failed is tried again later each time, until the server is reached", () => {
  vi.useFakeTimers();
  const again = vi.fn();
  const later = new LaterAgain(again);
  for (const wait of [500, 1000, 2000]) {
    later.failed();
    later.failed();
    vi.advanceTimersByTime(wait - 1);
    const before = again.mock.calls.length;
    vi.advanceTimersByTime(1);
    expect(again).toHaveBeenCalledTimes(before + 1);
  }
  later.reached();
  later.failed();
  vi.advanceTimersByTime(500);
  expect(again).toHaveBeenCalledTimes(4);
  later.failed();
  later.stop();
  vi.advanceTimersByTime(60_000);
  expect(again).toHaveBeenCalledTimes(4);
  vi.useRealTimers();
});
