import type { TabTask } from "@/api/tasks";
import { t } from "@/i18n";
import { appReference } from "@/routing/references";
import { number } from "@/ui/time";
import type { Job } from "../api";

export type TaskState = "waiting" | "running" | "done" | "repair" | "failed" | "cancelled";

/** One line of the tray. */
export type Task = {
  key: string;
  state: TaskState;
  title: string;
  /** Where it belongs. */
  place: string;
  href: string;
  /** How far it is, or what became of it. */
  words: string;
  /** How much is done, from 0 to 100; null: not known, or not under way. */
  progress: number | null;
  /** When it began or ended, as an ISO time. */
  at: string;
  /** An import or export of the server. */
  job?: Job;
  /** Something that this tab does. */
  tab?: TabTask;
};

/** How a mutation of this tab stands that has a task. */
export type TabState = {
  id: number;
  task: TabTask;
  status: "idle" | "pending" | "success" | "error";
  reason: string;
  isCancelled: boolean;
  submittedAt: number;
};

/** Returns whether a task is not over yet. */
export function isOpen({ state }: Task): boolean {
  return state === "waiting" || state === "running";
}

/** Returns the line of an import or an export. */
export function taskOfJob(job: Job, org: string): Task {
  const table = `/${org}/${appReference(job.app)}/tables/${encodeURIComponent(job.table)}/imports`;
  const isImport = job.kind === "import";
  const state = stateOf(job);
  return {
    key: `${job.kind} ${job.id}`,
    state,
    title: isImport
      ? t("Import of {file}", { file: job.file_name ?? "" })
      : t("Export of {table}", { table: job.table }),
    place: `${job.app.name} · ${job.table}`,
    href: isImport ? `${table}/${job.id}` : table,
    words: wordsOf(job, state),
    progress: state === "running" ? job.progress : null,
    at: job.finished_at ?? job.created_at,
    job,
  };
}

function stateOf(job: Job): TaskState {
  if (job.status === "pending") return "waiting";
  if (job.status === "in_progress") return "running";
  if (job.status === "failed") return job.is_cancelled ? "cancelled" : "failed";
  return job.to_repair > 0 ? "repair" : "done";
}

function wordsOf(job: Job, state: TaskState): string {
  if (job.is_cancelled && job.finished_at === null) return t("Stopping …");
  const rows = t("{count, plural, one {# row} other {# rows}}", { count: job.rows - job.rejected });
  switch (state) {
    case "waiting":
      return t("Waits for its turn");
    case "running":
      return job.total_rows === null
        ? rows
        : t("{done} of {all} rows", { done: number(job.rows), all: number(job.total_rows) });
    case "repair":
      return t("{rows} · {repair} to repair", { rows, repair: number(job.to_repair) });
    case "done":
      return job.rejected > 0 ? t("{rows} · {rejected} rejected", { rows, rejected: number(job.rejected) }) : rows;
    default:
      return job.error ?? "";
  }
}

const titles: Record<TabTask["kind"], (name: string) => string> = {
  upload: (file) => t("Upload of {file}", { file }),
  change: (table) => t("Changes to {table}", { table }),
};

/** Returns the line of something that this tab does. */
export function taskOfTab({ id, task, status, reason, isCancelled, submittedAt }: TabState): Task {
  const state = status === "error" ? (isCancelled ? "cancelled" : "failed") : status === "success" ? "done" : "running";
  const words: Record<TabTask["kind"], [running: string, done: string]> = {
    upload: [t("Sending. Keep this tab open."), t("Sent. Nothing is imported yet: go on with it.")],
    change: [t("Applying"), t("Applied")],
  };
  const [running, done] = words[task.kind];
  return {
    key: `tab ${id}`,
    state,
    title: titles[task.kind](task.name),
    place: task.place,
    href: task.href,
    words: state === "running" ? running : state === "done" ? done : state === "cancelled" ? t("Cancelled") : reason,
    progress: null,
    at: new Date(submittedAt).toISOString(),
    tab: task,
  };
}

/** Returns all lines: what is under way first, then the latest. */
export function inOrder(tasks: readonly Task[]): Task[] {
  return tasks.toSorted((a, b) => Number(isOpen(b)) - Number(isOpen(a)) || b.at.localeCompare(a.at));
}

/** Returns the tasks that were under way in `before` and are over now. */
export function endedSince(before: readonly Task[], now: readonly Task[]): Task[] {
  const open = new Set(before.filter(isOpen).map(({ key }) => key));
  return now.filter((task) => open.has(task.key) && !isOpen(task));
}
