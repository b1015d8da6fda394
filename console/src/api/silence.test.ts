import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { connectLater, Silence } from "./silence";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a connection is silent once nothing has come for long enough, and says so once", () => {
  const onSilent = vi.fn();
  const silence = new Silence(100, onSilent);
  for (let count = 0; count < 5; count += 1) {
    vi.advanceTimersByTime(90);
    silence.heard();
  }
  expect(onSilent).not.toHaveBeenCalled();
  vi.advanceTimersByTime(500);
  expect(onSilent).toHaveBeenCalledTimes(1);
});

test("one that has been ended is silent no more", () => {
  const onSilent = vi.fn();
  new Silence(100, onSilent).stop();
  vi.advanceTimersByTime(500);
  expect(onSilent).not.toHaveBeenCalled();
});

test("a connection is made later, unless it is prevented", () => {
  const connect = vi.fn();
  connectLater(connect, 100);
  connectLater(connect, 100)();
  vi.advanceTimersByTime(500);
  expect(connect).toHaveBeenCalledTimes(1);
});
