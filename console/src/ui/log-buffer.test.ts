import { expect, test } from "vitest";
import { LogBuffer } from "./log-buffer";

test("a log keeps its last 100,000 lines and says how many it gave up", () => {
  const buffer = new LogBuffer(() => undefined);
  for (let batch = 0; batch < 250; batch += 1) {
    buffer.append(Array.from({ length: 1000 }, (_, index) => `line ${batch * 1000 + index}`));
    expect(buffer.length).toBeLessThanOrEqual(110_000);
    expect(buffer.at(buffer.length - 1)).toBe(`line ${batch * 1000 + 999}`);
    expect(buffer.at(0)).toBe(`line ${buffer.lost}`);
  }
});

test("a log of few but long lines is bounded, too, and keeps the last", () => {
  const buffer = new LogBuffer(() => undefined);
  const line = "x".repeat(5_000_000);
  for (let count = 0; count < 30; count += 1) buffer.append([line, `${count}`]);
  expect(buffer.all().length).toBeLessThanOrEqual(64_000_100);
  expect(buffer.at(buffer.length - 1)).toBe("29");
});

test("lines are found without their colours, in any case", () => {
  const buffer = new LogBuffer(() => undefined);
  buffer.append(["\x1b[31mKey\x1b[0mError", "nothing", "two\nkeyerror lines"]);
  expect(buffer.find("KEYERROR")).toEqual([0, 3]);
  expect(buffer.find("")).toEqual([]);
});

test("the first error is found once, also when it comes later or lines before it are given up", () => {
  const buffer = new LogBuffer(() => undefined);
  buffer.clear(1000);
  buffer.append(["no error here", "errors: 0"]);
  expect(buffer.firstFault()).toBeNull();
  buffer.append(["\x1b[31mTraceback (most recent call last):\x1b[0m", "KeyError: 'id'"]);
  expect(buffer.firstFault()).toBe(2);
  buffer.append(Array.from({ length: 109_990 }, (_, index) => `line ${index}`));
  expect(buffer.firstFault()).toBe(2);
  buffer.append(Array.from({ length: 10 }, () => "more"));
  expect(buffer.firstFault()).toBe(0);
  expect(buffer.lost).toBe(1000 + 10_004);
});

test("many changes tell once", () => {
  const waiting: (() => void)[] = [];
  const buffer = new LogBuffer((tell) => waiting.push(tell));
  let told = 0;
  buffer.subscribe(() => {
    told += 1;
  });
  buffer.append(["a"]);
  buffer.append(["b"]);
  expect(waiting).toHaveLength(1);
  waiting[0]?.();
  buffer.append(["c"]);
  expect([told, waiting.length]).toEqual([1, 2]);
});
