import { expect, test } from "vitest";
import type { Queue } from "../queue";
import { secondsToNextLook, standstillOf } from "./queue";

const queue: Queue = {
  waiting: 2,
  oldest_waiting_seconds: 1,
  standstill: null,
  runners: 1,
  last_runner_at: null,
  slots: 2,
  busy: 2,
  busy_with_own: 0,
};

test("a missing runner is said at once, busy slots only when that lasts", () => {
  expect(standstillOf({ ...queue, standstill: "no_runner", oldest_waiting_seconds: 0 })).toBe("no_runner");
  expect(standstillOf({ ...queue, standstill: "all_busy" })).toBeNull();
  expect(standstillOf({ ...queue, standstill: "all_busy", oldest_waiting_seconds: 3 })).toBe("all_busy");
  expect(standstillOf(queue)).toBeNull();
});

test("it is looked at again when time alone may change the answer, and not for ever", () => {
  expect(secondsToNextLook({ ...queue, standstill: "all_busy" })).toBe(2);
  expect(secondsToNextLook(queue)).toBe(60);
  expect(secondsToNextLook({ ...queue, standstill: "no_runner" })).toBeNull();
  expect(secondsToNextLook({ ...queue, standstill: "all_busy", oldest_waiting_seconds: 9 })).toBeNull();
  expect(secondsToNextLook({ ...queue, waiting: 0, oldest_waiting_seconds: null })).toBeNull();
});
