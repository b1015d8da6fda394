import { queryOptions } from "@tanstack/react-query";
import { type Api, body } from "@/api/client";
import { ApiError } from "@/api/errors";
import type { components } from "@/api/schema";
import { readStream, type StreamEvent } from "@/api/sse";
import type { Changes } from "./model/merge";
import type { Names } from "./model/names";
import type { Source } from "./model/workspace";

export type Action = components["schemas"]["ActionRead"];
export type Run = components["schemas"]["RunDetail"];
export type RunStarted = components["schemas"]["RunStarted"];
export type SourceVersion = components["schemas"]["SourceVersionRead"];
export type Webhook = components["schemas"]["WebhookRead"];

/** Loads a version of an app's source, by default the latest; an app without source has version 0. */
export async function loadSource(api: Api, app: number, version?: number, signal?: AbortSignal): Promise<Source> {
  if (version === 0) return { number: 0, files: new Map() };
  const query = version === undefined ? {} : { version };
  try {
    const answer = await api.http.GET("/api/apps/{app}/source/", {
      params: { path: { app: String(app) }, query },
      signal: signal ?? null,
    });
    const { number, files } = body(answer);
    return { number, files: new Map(Object.entries(files)) };
  } catch (error) {
    if (version === undefined && error instanceof ApiError && error.status === 404)
      return { number: 0, files: new Map() };
    throw error;
  }
}

/** Reads the latest source of an app. */
export function sourceQuery(api: Api, app: number) {
  return queryOptions({ queryKey: ["source", app], queryFn: ({ signal }) => loadSource(api, app, undefined, signal) });
}

/** Reads one version; a version never changes. */
export function versionQuery(api: Api, app: number, version: number) {
  return queryOptions({
    queryKey: ["source", app, version],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) => loadSource(api, app, version, signal),
  });
}

/** Reads the newest versions, without their files. */
export function versionsQuery(api: Api, app: number) {
  return queryOptions({
    queryKey: ["source", app, "versions"],
    queryFn: async ({ signal }) =>
      body(
        await api.http.GET("/api/apps/{app}/source/versions/", {
          params: { path: { app: String(app) }, query: { limit: 100 } },
          signal,
        }),
      ),
  });
}

/** Saves changes on top of a version and returns the number of the new one. */
export async function saveChanges(
  api: Api,
  app: number,
  changes: Changes,
  base: number,
  message: string,
): Promise<number> {
  const params = { path: { app: String(app) } };
  if (base === 0) {
    const files = Object.fromEntries([...changes].filter((change): change is [string, string] => change[1] !== null));
    return body(await api.http.POST("/api/apps/{app}/source/", { params, body: { base_version: 0, files, message } }))
      .number;
  }
  const sent = { base_version: base, changes: Object.fromEntries(changes), message };
  return body(await api.http.PATCH("/api/apps/{app}/source/", { params, body: sent })).number;
}

/** Reads the actions of an app. */
export function actionsQuery(api: Api, app: number) {
  return queryOptions({
    queryKey: ["actions", app],
    queryFn: async ({ signal }) =>
      body(await api.http.GET("/api/actions/", { params: { query: { app: String(app) } }, signal })),
  });
}

/** Creates an action with its file. */
export async function createAction(api: Api, app: number, values: { name: string; code: string }): Promise<Action> {
  return body(await api.http.POST("/api/actions/", { body: { ...values, app } }));
}

/** Says in which file an action begins. */
export async function changeEntry(api: Api, action: number, entry: string): Promise<void> {
  await api.http.PATCH("/api/actions/{action}/", { params: { path: { action: String(action) } }, body: { entry } });
}

/** Starts an action. */
export async function startRun(api: Api, action: number, input: Record<string, unknown>): Promise<RunStarted> {
  const params = { path: { action: String(action) } };
  return body(await api.http.POST("/api/actions/{action}/run/", { params, body: { user_input: input } }));
}

/** Reads a run with its result. */
export function runQuery(api: Api, run: number) {
  return queryOptions({
    queryKey: ["runs", run],
    queryFn: async ({ signal }) =>
      body(await api.http.GET("/api/actions/runs/{run}/", { params: { path: { run: String(run) } }, signal })),
  });
}

/** Asks a run to end. */
export async function cancelRun(api: Api, run: number): Promise<void> {
  await api.http.POST("/api/actions/runs/{run}/cancel/", { params: { path: { run: String(run) } } });
}

/** Reads the inputs of the last five runs of an action, newest first. */
export function lastInputsQuery(api: Api, action: number) {
  return queryOptions({
    queryKey: ["runs", "inputs", action],
    staleTime: 0,
    queryFn: async ({ signal }) => {
      const answer = await api.http.GET("/api/actions/runs/", { params: { query: { action, per_page: 5 } }, signal });
      return Promise.all(
        body(answer).results.map(async ({ id }) =>
          body(await api.http.GET("/api/actions/runs/{run}/", { params: { path: { run: String(id) } }, signal })),
        ),
      );
    },
  });
}

/** Reads a run's log until the run ends, also across broken connections. */
export function followLog(
  api: Api,
  taskId: string,
  options: { onEvents: (events: StreamEvent[]) => void; signal: AbortSignal },
): Promise<void> {
  return readStream(
    async ({ lastId, signal }) => {
      const answer = await api.http.GET("/api/actions/run-code-stream/", {
        params: { query: { task_id: taskId }, header: lastId === "" ? {} : { "last-event-id": lastId } },
        parseAs: "stream",
        signal,
      });
      if (answer.response.body === null) throw new Error("the log's stream has no body");
      return answer.response.body;
    },
    { ...options, isLost: (error) => !(error instanceof ApiError && error.status < 500) },
  );
}

/** Reads what completion knows of an app: its tables with their columns, and the integrations. */
export function namesQuery(api: Api, app: number) {
  return queryOptions({
    queryKey: ["names", app],
    queryFn: async ({ signal }): Promise<Names> => {
      const params = { path: { app: String(app) } };
      const { tables } = body(await api.http.GET("/api/apps/{app}/tables/", { params, signal }));
      return {
        tables: tables.map(({ name, graphql_name, columns }) => ({ name, graphqlName: graphql_name, columns })),
        integrations: [],
      };
    },
  });
}

/** Reads the webhooks of an app. */
export function webhooksQuery(api: Api, app: number) {
  return queryOptions({
    queryKey: ["webhooks", app],
    queryFn: async ({ signal }) => {
      const params = { path: { app: String(app) }, query: { limit: 100 } };
      return body(await api.http.GET("/api/apps/{app}/webhooks/", { params, signal })).results;
    },
  });
}
