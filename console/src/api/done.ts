import { parseExact } from "./exact";

/** A request as a program would send it; `body` is JSON, null where there is none. */
export type ApiRequest = { method: string; path: string; organization: string | null; body: string | null };

/** A request of this tab that changed something: when (milliseconds since 1970), and what it is called. */
export type Done = ApiRequest & { id: number; at: number; label: string };

const maxKept = 20;
const maxBody = 20_000;
/** Stands for a body that would fill the screen. */
const tooLong = "… too long to be shown";
/** What is not worth a program, or reads with POST: drafts, what was seen, previews, one's own sign-in. */
const passedOver =
  /^\/api\/(?:drafts|notifications|set-up|password-resets|me\/password|invitations)\/|\/(?:plan|preview|estimate-rows|group-rows)\/$/;
const signIn = /^\/api\/sessions\//;
const secretName = /password|secret|token|credential/i;

let kept: readonly Done[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

/** Calls `listener` with each change of `doneRequests()`. Returns what ends that. */
export function onDone(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Returns what was done by hand in this tab, the newest first; secrets are left out. */
export function doneRequests(): readonly Done[] {
  return kept;
}

/**
 * Begins to follow a request that is about to be sent; what it returns notes it, once the server has done it. Somebody
 * else who signs in finds nothing of this.
 */
export function following(request: Request): (() => void) | null {
  const { pathname: path, search } = new URL(request.url);
  if (["GET", "HEAD"].includes(request.method) || passedOver.test(path)) return null;
  if (signIn.test(path)) return () => keep([]);
  const type = request.headers.get("Content-Type") ?? "";
  // Files are sent by a screen of their own, which has its own program.
  if (type !== "" && !type.startsWith("application/json")) return null;
  const text = type === "" ? Promise.resolve("") : request.clone().text();
  const sent = { method: request.method, path: path + search, organization: request.headers.get("X-Organization-Id") };
  return () => {
    const at = Date.now();
    lastId += 1;
    const id = lastId;
    void text.then((body) => note(body, { ...sent, id, at, label: `${sent.method} ${path}`, body: null }));
  };
}

function note(body: string, done: Done): void {
  const sent = body.length > maxBody ? tooLong : body === "" ? null : parseExact(body);
  const query = queryOf(sent);
  const mutation = query === null ? null : /\bmutation\b[^{]*\{\s*(\w+)/.exec(query);
  // It reads only.
  if (query !== null && mutation === null) return;
  const label = mutation === null ? done.label : `mutation ${mutation[1]}`;
  const noted = { ...done, label, body: sent === null ? null : JSON.stringify(withoutSecrets(sent)) };
  keep([noted, ...kept].slice(0, maxKept));
}

function keep(next: readonly Done[]): void {
  kept = next;
  for (const tell of listeners) tell();
}

/** Returns the query of a GraphQL request. */
function queryOf(sent: unknown): string | null {
  return typeof sent === "object" && sent !== null && "query" in sent ? String(sent.query) : null;
}

function withoutSecrets(value: unknown, name = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, name));
  if (typeof value === "string") return secretName.test(name) ? "…" : value;
  // Digits that were kept exactly are an object, too.
  if (typeof value !== "object" || value === null || JSON.isRawJSON?.(value) === true) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutSecrets(member, key)]));
}
