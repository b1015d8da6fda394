import { t } from "@/i18n";
import { bytes, duration } from "@/ui/time";
import type { Health } from "../api";

export type Check = {
  id: string;
  state: "ok" | "warn" | "error";
  /** What is so, in a sentence. */
  message: string;
  /** What mends it: a sentence, and a command if there is one. */
  remedy?: string;
  command?: string;
};

const maxWaitingSeconds = 60;
const minFreeShare = 0.1;

/** Returns what there is to say about the installation, the worst first. */
export function checksOf(health: Health): Check[] {
  const all = [
    ...partChecks(health),
    runnerCheck(health),
    isolationCheck(health),
    queueCheck(health),
    diskCheck(health),
  ];
  const checks = all.filter((check) => check !== null);
  const rank = { error: 0, warn: 1, ok: 2 };
  return checks.sort((one, other) => rank[one.state] - rank[other.state]);
}

function partChecks({ parts }: Health): Check[] {
  const words: Record<string, string> = {
    database: t("The database"),
    engine: t("The GraphQL engine"),
    language_servers: t("The completion of the code editor"),
    isolation: t("The list of runners"),
  };
  return Object.entries(parts).map(([name, answer]): Check => {
    const part = words[name] ?? t("The part “{name}”", { name });
    if (answer === "ok") return { id: name, state: "ok", message: t("{part} answers.", { part }) };
    return {
      id: name,
      state: "error",
      message: t("{part} does not answer.", { part }),
      remedy: t("The log of the control plane names the reason: look for “health.unavailable”."),
    };
  });
}

function runnerCheck({ runners }: Health): Check {
  const present = runners.filter(({ is_present }) => is_present).length;
  if (present > 0) {
    return {
      id: "runners",
      state: "ok",
      message: t("{count, plural, one {One runner takes} other {# runners take}} runs.", { count: present }),
    };
  }
  return {
    id: "runners",
    state: "error",
    message: t("No runner takes runs: actions wait until one does."),
    remedy: t("Start one on any machine that reaches this address, with a runner token in RUNNER_TOKEN:"),
    command: `automio runner --server ${window.location.origin}`,
  };
}

function isolationCheck({ runners, configured_isolation: configured }: Health): Check | null {
  const weak = runners.filter(({ is_present, isolation }) => is_present && isolation === "none");
  if (weak.length === 0) return null;
  return {
    id: "weak isolation",
    state: configured === "none" ? "ok" : "warn",
    message: t("{count, plural, one {One runner runs} other {# runners run}} scripts without isolation.", {
      count: weak.length,
    }),
    remedy: t("Scripts can read what the runner's user can. Install bubblewrap on its machine and start it again:"),
    command: "apt-get install bubblewrap",
  };
}

function queueCheck({ queue }: Health): Check {
  const seconds = queue.oldest_waiting_seconds;
  if (queue.waiting === 0 || seconds === null) return { id: "queue", state: "ok", message: t("No run waits.") };
  const values = { count: queue.waiting, time: duration(seconds) };
  const message = t("{count, plural, one {One run waits} other {# runs wait}}, the oldest for {time}.", values);
  if (seconds < maxWaitingSeconds) return { id: "queue", state: "ok", message };
  return {
    id: "queue",
    state: "warn",
    message,
    remedy: t("The runners are busy or away. More of them, or more runs at once in each, shorten the queue:"),
    command: `automio runner --server ${window.location.origin} --concurrency 8`,
  };
}

function diskCheck({ storage }: Health): Check | null {
  const { files_free_bytes: free, files_total_bytes: total } = storage;
  if (free === null || total === null || total === 0) return null;
  const values = { free: bytes(free), total: bytes(total) };
  const message = t("The disk of application files has {free} of {total} free.", values);
  if (free / total >= minFreeShare) return { id: "disk", state: "ok", message };
  return {
    id: "disk",
    state: "warn",
    message,
    remedy: t("Delete files that nobody needs, or give the disk more room."),
  };
}

/** Returns the report as text, to send to who helps: no name of an organization, no address, no secret. */
export function reportOf(health: Health, at: string): string {
  const lines = [
    `automio ${health.versions.automio ?? "?"}: ${health.status} (${at})`,
    ...Object.entries(health.versions).map(([name, version]) => `version ${name}: ${version}`),
    ...Object.entries(health.parts).map(([name, answer]) => `part ${name}: ${answer}`),
    `isolation configured: ${health.configured_isolation}`,
    ...health.runners.map(
      (runner, index) =>
        `runner ${index + 1}: ${runner.is_present ? "present" : "absent"}, ${runner.isolation}, ` +
        `${runner.held} of ${runner.slots ?? "?"} slots, seen ${runner.seen_at}`,
    ),
    `queue: ${health.queue.waiting} waiting, ${health.queue.held} held, oldest ${health.queue.oldest_waiting_seconds ?? 0} s`,
    `storage: database ${health.storage.database_bytes} bytes, files ${health.storage.files_free_bytes ?? "?"} of ` +
      `${health.storage.files_total_bytes ?? "?"} bytes free`,
  ];
  return `${lines.join("\n")}\n`;
}
