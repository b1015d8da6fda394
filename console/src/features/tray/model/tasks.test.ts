import { expect, test } from "vitest";
import type { Job } from "../api";
import { endedSince, inOrder, type TabState, taskOfJob, taskOfTab } from "./tasks";

const job: Job = {
  kind: "import",
  id: 5,
  app: { id: 7, slug: "shop", name: "The shop" },
  table: "orders",
  file_name: "a.csv",
  file: null,
  format: null,
  status: "in_progress",
  is_cancelled: false,
  progress: 12,
  rows: 1200,
  total_rows: 10_000,
  rejected: 0,
  to_repair: 0,
  error: null,
  created_at: "2026-01-01T10:00:00Z",
  finished_at: null,
};
const ended = {
  ...job,
  status: "completed",
  progress: 100,
  rows: 10_000,
  finished_at: "2026-01-01T10:01:00Z",
} as const;

test("an import says how far it is, and leads to its page", () => {
  expect(taskOfJob(job, "acme")).toMatchObject({
    state: "running",
    title: "Import of a.csv",
    place: "The shop · orders",
    words: "1,200 of 10,000 rows",
    progress: 12,
    href: "/acme/shop/tables/orders/imports/5",
  });
  expect(taskOfJob({ ...job, total_rows: null }, "acme").words).toBe("1,200 rows");
  expect(taskOfJob({ ...job, status: "pending" }, "acme")).toMatchObject({ state: "waiting", progress: null });
  expect(taskOfJob({ ...job, is_cancelled: true }, "acme")).toMatchObject({ state: "running", words: "Stopping …" });
});

test("what became of it is said: rows, what is to be repaired, or why not", () => {
  expect(taskOfJob(ended, "acme")).toMatchObject({ state: "done", words: "10,000 rows", progress: null });
  expect(taskOfJob({ ...ended, rejected: 3, to_repair: 3 }, "acme")).toMatchObject({
    state: "repair",
    words: "9,997 rows · 3 to repair",
  });
  expect(taskOfJob({ ...ended, rejected: 3 }, "acme")).toMatchObject({
    state: "done",
    words: "9,997 rows · 3 rejected",
  });
  const failed = { ...ended, status: "failed", error: "the table was deleted" } as const;
  expect(taskOfJob(failed, "acme")).toMatchObject({ state: "failed", words: "the table was deleted" });
  expect(taskOfJob({ ...failed, is_cancelled: true }, "acme").state).toBe("cancelled");
});

test("an export leads to its table, and an app whose slug is a page of ours is named by its id", () => {
  const ofApp = { ...ended, kind: "export", file_name: null, app: { ...job.app, slug: "runs" } } as const;
  expect(taskOfJob(ofApp, "acme")).toMatchObject({
    title: "Export of orders",
    href: "/acme/7/tables/orders/imports",
  });
});

const upload: TabState = {
  id: 1,
  task: { kind: "upload", name: "a.csv", place: "New app", href: "/acme/apps/new?from=file" },
  status: "pending",
  reason: "",
  isCancelled: false,
  submittedAt: 0,
};

test("what a tab does is listed with what went wrong", () => {
  expect(taskOfTab(upload)).toMatchObject({ state: "running", title: "Upload of a.csv" });
  expect(taskOfTab({ ...upload, status: "error", reason: "no answer" })).toMatchObject({
    state: "failed",
    words: "no answer",
  });
  expect(taskOfTab({ ...upload, status: "error", isCancelled: true }).state).toBe("cancelled");
});

test("what is under way comes first, and what ends is noticed once", () => {
  const running = taskOfJob(job, "acme");
  const later = taskOfJob({ ...ended, id: 6, finished_at: "2026-01-01T12:00:00Z" }, "acme");
  const over = taskOfJob(ended, "acme");
  expect(inOrder([over, later, running]).map(({ key }) => key)).toEqual(["import 5", "import 6", "import 5"]);
  expect(endedSince([running, later], [over, later]).map(({ key }) => key)).toEqual(["import 5"]);
  expect(endedSince([over, later], [over, later])).toEqual([]);
});
