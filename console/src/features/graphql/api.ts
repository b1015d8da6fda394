import { queryOptions } from "@tanstack/react-query";
import { type Api, body } from "@/api/client";
import { ApiError } from "@/api/errors";
import { graphqlPath, isRecord } from "@/api/graphql";
import { type As, headersOf } from "@/api/viewing";
import type { Entry } from "./model/history";

/** Returns a query that works: the first rows of the app's first table. */
export function exampleQuery(api: Api, app: string) {
  return queryOptions({
    queryKey: ["graphql example", app],
    queryFn: async ({ signal }) => {
      const query = { order: "name" as const, limit: 1, cursor: "" };
      const params = { path: { app }, query };
      const [table] = body(await api.http.GET("/api/apps/{app}/user_tables/", { signal, params })).tables;
      if (table === undefined) return "query {\n  __typename\n}\n";
      const columns = table.columns.filter(({ is_system }) => !is_system).slice(0, 4);
      const fields = ["id", ...columns.map(({ name }) => name)].map((name) => `    ${name}\n`);
      return `query {\n  ${table.name}(limit: 10) {\n${fields.join("")}  }\n}\n`;
    },
    staleTime: 300_000,
  });
}

export type Operation = { query: string; variables: Record<string, unknown>; operationName: string | null };

/** What came back, as it came. */
export type Answer = { text: string; milliseconds: number };

/** Sends one operation and returns the whole answer; what GraphQL says is wrong is part of it. */
export async function execute(
  api: Api,
  app: string,
  operation: Operation,
  as: As,
  signal: AbortSignal,
): Promise<Answer> {
  const begun = performance.now();
  const response = await api.send(graphqlPath(app), {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headersOf(as) },
    body: JSON.stringify(operation),
    signal,
  });
  const text = await response.text();
  return { text, milliseconds: performance.now() - begun };
}

const subject = "graphql/history";

type Kept = { entries: readonly Entry[]; revision: number };

/** Reads the queries that the person ran before in this app, on whatever machine. */
export function historyQuery(api: Api, app: string) {
  return queryOptions({
    queryKey: ["graphql history", app],
    queryFn: async ({ signal }): Promise<Kept> => {
      const query = { app, search: subject, limit: 10 };
      const { results } = body(await api.http.GET("/api/drafts/", { signal, params: { query } }));
      const found = results.find((draft) => draft.subject === subject);
      if (found === undefined) return { entries: [], revision: 0 };
      const path = { draft_id: found.id };
      const draft = body(await api.http.GET("/api/drafts/{draft_id}/", { signal, params: { path } }));
      return { entries: entriesOf(draft.content.entries), revision: draft.revision };
    },
    staleTime: 60_000,
  });
}

/** Keeps the history. Returns null when another window has kept one since. */
export async function keepHistory(api: Api, app: string, { entries, revision }: Kept): Promise<Kept | null> {
  const content = { entries: entries.map(({ query, variables, at }) => ({ query, variables, at })) };
  try {
    const values = { app, subject, base_revision: revision, content };
    const kept = body(await api.http.PUT("/api/drafts/", { body: values }));
    return { entries, revision: kept.revision };
  } catch (error) {
    if (error instanceof ApiError && error.status === 409) return null;
    throw error;
  }
}

function entriesOf(value: unknown): Entry[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry: unknown) =>
    isRecord(entry) && typeof entry.query === "string"
      ? [{ query: entry.query, variables: String(entry.variables ?? ""), at: String(entry.at ?? "") }]
      : [],
  );
}
