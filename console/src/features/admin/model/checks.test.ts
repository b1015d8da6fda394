import { expect, test, vi } from "vitest";
import { checksOf, reportOf } from "./checks";

vi.stubGlobal("window", { location: { origin: "https://automio.test" } });

const runner = { id: "host-secret-name", is_present: true, isolation: "bubblewrap", slots: 4, held: 1, seen_at: "x" };
const health = {
  status: "ok" as const,
  parts: { database: "ok", engine: "ok" },
  configured_isolation: "auto",
  versions: { automio: "1.0", postgresql: "18.1", python: "3.11" },
  runners: [runner],
  queue: { waiting: 0, held: 1, oldest_waiting_seconds: null },
  storage: { database_bytes: 1000, files_free_bytes: 50, files_total_bytes: 100 },
};
const bad = (changes: Partial<typeof health> | object) =>
  checksOf({ ...health, ...changes }).filter(({ state }) => state !== "ok");

test("a healthy installation has nothing to mend", () => {
  expect(bad({})).toEqual([]);
});

test("no runner is an error with the command that starts one", () => {
  for (const runners of [[], [{ ...runner, is_present: false }]]) {
    const [first] = bad({ runners });
    expect([first?.id, first?.state, first?.command]).toEqual([
      "runners",
      "error",
      "automio runner --server https://automio.test",
    ]);
  }
});

test("what is weak, slow or full warns, after what does not work", () => {
  const found = bad({
    parts: { database: "ok", engine: "unavailable" },
    runners: [{ ...runner, isolation: "none" }],
    queue: { waiting: 10_000, held: 4, oldest_waiting_seconds: 90 },
    storage: { database_bytes: 1, files_free_bytes: 1, files_total_bytes: 100 },
  });
  expect(found.map(({ id }) => id)).toEqual(["engine", "weak isolation", "queue", "disk"]);
  expect(bad({ queue: { waiting: 3, held: 4, oldest_waiting_seconds: 2 } })).toEqual([]);
  expect(bad({ configured_isolation: "none", runners: [{ ...runner, isolation: "none" }] })).toEqual([]);
});

test("the report names no host", () => {
  const report = reportOf(health, "2026-01-01T00:00:00Z");
  expect(report).not.toContain("secret");
  expect(report).toContain("runner 1: present, bubblewrap, 1 of 4 slots");
});
