import { queryOptions } from "@tanstack/react-query";
import { type Api, body } from "@/api/client";
import { ApiError } from "@/api/errors";
import type { components } from "@/api/schema";
import type { Changes } from "./model/merge";
import type { Names } from "./model/names";
import type { Source } from "./model/workspace";

export type Action = components["schemas"]["ActionRead"];
export type RunStarted = components["schemas"]["RunStarted"];
export type SourceVersion = components["schemas"]["SourceVersionRead"];
export type Schedule = components["schemas"]["ActionScheduleRead"];
export type ScheduleDocument = components["schemas"]["Schedule"];
export type Forecast = components["schemas"]["ScheduleForecast"];
export type ScheduleValues = { name: string; schedule: ScheduleDocument; input: Record<string, unknown> };
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

/** Starts an action; with a draft, of source that is not saved. */
export async function startRun(
  api: Api,
  action: number,
  input: Record<string, unknown>,
  draft: Changes | null,
  rows: readonly string[] = [],
): Promise<RunStarted> {
  const params = { path: { action: String(action) } };
  const sent = {
    user_input: input,
    selected_rows: [...rows],
    draft: draft === null ? null : Object.fromEntries(draft),
  };
  return body(await api.http.POST("/api/actions/{action}/run/", { params, body: sent }));
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

/** Reads the services whose way of signing is known, by name. */
export function webhookServicesQuery(api: Api, app: number) {
  return queryOptions({
    queryKey: ["webhooks", app, "services"],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) =>
      body(await api.http.GET("/api/apps/{app}/webhooks/presets/", { params: { path: { app: String(app) } }, signal })),
  });
}

export type WebhookValues = { name: string; service: string; secret: string };

/** Creates a webhook that starts an action; the action becomes one of webhooks, which a person may run as before. */
export async function createWebhook(api: Api, action: Action, values: WebhookValues): Promise<Webhook> {
  if (action.action_type !== "webhook_action") {
    const params = { path: { action: String(action.id) } };
    await api.http.PATCH("/api/actions/{action}/", { params, body: { action_type: "webhook_action" } });
  }
  const { name, service, secret } = values;
  const proof = { ...(service === "" ? {} : { preset: service }), ...(secret === "" ? {} : { secret }) };
  return body(
    await api.http.POST("/api/apps/{app}/webhooks/", {
      params: { path: { app: String(action.app) } },
      body: { action: action.id, name, ...proof },
    }),
  );
}

function pathOfWebhook({ app, id }: Webhook): { path: { app: string; webhook_id: number } } {
  return { path: { app: String(app), webhook_id: id } };
}

/** Lets a webhook start runs, or refuse its calls. */
export async function switchWebhook(api: Api, webhook: Webhook): Promise<Webhook> {
  const params = pathOfWebhook(webhook);
  const change = { is_enabled: !webhook.is_enabled };
  return body(await api.http.PATCH("/api/apps/{app}/webhooks/{webhook_id}/", { params, body: change }));
}

/** Gives a webhook a new address; the old one stops working. */
export async function renewWebhook(api: Api, webhook: Webhook): Promise<Webhook> {
  const params = pathOfWebhook(webhook);
  return body(await api.http.POST("/api/apps/{app}/webhooks/{webhook_id}/rotate/", { params }));
}

/** Deletes a webhook; its runs stay. */
export async function deleteWebhook(api: Api, webhook: Webhook): Promise<void> {
  await api.http.DELETE("/api/apps/{app}/webhooks/{webhook_id}/", { params: pathOfWebhook(webhook) });
}

type Of = { app: number; action: number };

function pathOf({ app, action }: Of): { app: string; action: string } {
  return { app: String(app), action: String(action) };
}

/** Reads the schedules of an action; there are few. */
export function schedulesQuery(api: Api, of: Of) {
  return queryOptions({
    queryKey: ["schedules", of.action],
    queryFn: async ({ signal }) => {
      const params = { path: pathOf(of), query: { limit: 100 } };
      return body(await api.http.GET("/api/apps/{app}/actions/{action}/schedules/", { params, signal })).results;
    },
  });
}

/** Says when a schedule would come. */
export function previewQuery(api: Api, of: Of, schedule: ScheduleDocument) {
  return queryOptions({
    queryKey: ["schedules", of.action, "preview", schedule],
    staleTime: 60_000,
    retry: false,
    queryFn: async ({ signal }) => {
      const params = { path: pathOf(of) };
      const answer = await api.http.POST("/api/apps/{app}/actions/{action}/schedules/preview/", {
        params,
        body: { schedule },
        signal,
      });
      return body(answer);
    },
  });
}

/** Creates a schedule of an action. */
export async function createSchedule(api: Api, of: Of, values: ScheduleValues): Promise<Schedule> {
  const params = { path: pathOf(of) };
  return body(await api.http.POST("/api/apps/{app}/actions/{action}/schedules/", { params, body: values }));
}

/** Changes a schedule as it was read; refuses when somebody else has changed it since. */
export async function changeSchedule(
  api: Api,
  schedule: Schedule,
  change: Partial<ScheduleValues> & { is_enabled?: boolean },
): Promise<Schedule> {
  const path = { ...pathOf(schedule), schedule_id: schedule.id };
  const sent = { base_revision: schedule.revision, ...change };
  const answer = await api.http.PATCH("/api/apps/{app}/actions/{action}/schedules/{schedule_id}/", {
    params: { path },
    body: sent,
  });
  return body(answer);
}

/** Deletes a schedule; its runs stay. */
export async function deleteSchedule(api: Api, schedule: Schedule): Promise<void> {
  const path = { ...pathOf(schedule), schedule_id: schedule.id };
  await api.http.DELETE("/api/apps/{app}/actions/{action}/schedules/{schedule_id}/", { params: { path } });
}
