import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { type Api, body } from "@/api/client";
import { ApiError } from "@/api/errors";
import type { components } from "@/api/schema";
import { readStream } from "@/api/sse";
import type { RunFilters } from "./model/filters";

export type Run = components["schemas"]["RunRead"];
export type RunDetail = components["schemas"]["RunDetail"];
export type Histogram = components["schemas"]["HistogramRead"];
export type RunProgress = components["schemas"]["ProgressEvent"];
type Version = components["schemas"]["RunVersion"];

/** Which runs: of one app or of the whole organization. */
export type RunScope = { app: string | null };

const partSize = 50;

/** Reads runs, newest first, part by part; no count is made. */
export function runsQuery(api: Api, scope: RunScope, filters: RunFilters) {
  return infiniteQueryOptions({
    queryKey: ["runs", scope, filters],
    initialPageParam: "",
    queryFn: async ({ signal, pageParam }) => {
      const query = { ...filters, ...ofScope(scope), cursor: pageParam, limit: partSize };
      return body(await api.http.GET("/api/actions/runs/", { params: { query }, signal }));
    },
    getNextPageParam: (part) => part.next_cursor ?? undefined,
    // The stream keeps it fresh.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
}

/** Reads the actions of an app, whose runs may be asked for. */
export function runActionsQuery(api: Api, app: string) {
  return queryOptions({
    queryKey: ["runs actions", app],
    queryFn: async ({ signal }) => {
      const query = { app, order: "name" as const };
      return body(await api.http.GET("/api/actions/", { params: { query }, signal }));
    },
  });
}

/** Reads the first members by name, of those whose name or e-mail contains `search`. */
export function runPeopleQuery(api: Api, organization: string, search: string) {
  return queryOptions({
    queryKey: ["runs people", organization, search],
    queryFn: async ({ signal }) => {
      const params = { path: { organization }, query: { limit: 20, cursor: "", order: "name" as const, search } };
      return body(await api.http.GET("/api/organizations/{organization}/members/", { params, signal })).results;
    },
  });
}

/** Reads the calls to other services that a run made, newest first. */
export function callsQuery(api: Api, run: number, page: number) {
  return queryOptions({
    queryKey: ["run calls", run, page],
    queryFn: async ({ signal }) => {
      const query = { run_id: run, page, per_page: partSize };
      return body(await api.http.GET("/api/integrations/calls/", { params: { query }, signal }));
    },
  });
}

/** Reads how many runs there were over time, by outcome. */
export function histogramQuery(api: Api, scope: RunScope, filters: RunFilters) {
  return queryOptions({
    queryKey: ["runs histogram", scope, filters],
    queryFn: async ({ signal }) => {
      const query = { ...filters, ...ofScope(scope), buckets: 30 };
      return body(await api.http.GET("/api/actions/runs/histogram/", { params: { query }, signal }));
    },
  });
}

/** Reads one run with its input and result. */
export function runQuery(api: Api, run: number) {
  return queryOptions({
    queryKey: ["run", run],
    queryFn: async ({ signal }) =>
      body(await api.http.GET("/api/actions/runs/{run}/", { params: { path: { run: String(run) } }, signal })),
  });
}

type Changes = {
  /** Where the list that is followed was read (`stream_after`); without it, from now on. */
  after?: string;
  onRun: (run: Run) => void;
  onLeft: (id: number) => void;
  signal: AbortSignal;
};

/** Follows the runs of a list as they begin and change, until `signal` ends it. */
export function followRuns(api: Api, scope: RunScope, filters: RunFilters, changes: Changes): Promise<void> {
  return readStream(
    async ({ lastId, signal }) => {
      const header = lastId === "" ? {} : { "last-event-id": lastId };
      const query = { ...filters, ...ofScope(scope) };
      const answer = await api.http.GET("/api/actions/runs/stream/", {
        params: { query, header },
        parseAs: "stream",
        signal,
      });
      if (answer.response.body === null) throw new Error("the stream of runs has no body");
      return answer.response.body;
    },
    {
      signal: changes.signal,
      after: changes.after ?? "",
      isLost: (error) => !(error instanceof ApiError && error.status < 500),
      onEvents: (events) => {
        for (const { name, data } of events) {
          if (name === "run") changes.onRun(JSON.parse(data));
          else if (name === "left") changes.onLeft(JSON.parse(data).id);
        }
      },
    },
  );
}

/** Cancels runs; returns why some were not. */
export async function cancelRuns(api: Api, runs: number[]): Promise<string[]> {
  const { results } = body(await api.http.POST("/api/actions/runs/cancel/", { body: { runs } }));
  return results.flatMap(({ run, error }) => (error === null ? [] : [`${run}: ${error}`]));
}

/** Repeats runs; returns the new ones, and why some were not. */
export async function rerunRuns(api: Api, runs: number[], version: Version) {
  const { results } = body(await api.http.POST("/api/actions/runs/rerun/", { body: { runs, version } }));
  return results;
}

/** Runs the newest version of a run's action with another event. */
export async function rerunWith(api: Api, run: number, event: Record<string, unknown>) {
  const params = { path: { run: String(run) } };
  return body(await api.http.POST("/api/actions/runs/{run}/rerun/", { params, body: { event, version: "latest" } }));
}

function ofScope({ app }: RunScope): { app?: string } {
  return app === null ? {} : { app };
}

type Following = {
  /** Called with the first lines: how many come before them that are not sent. */
  onBegin: (skipped: number) => void;
  onLines: (lines: string[]) => void;
  onProgress: (progress: RunProgress) => void;
  signal: AbortSignal;
};

/** As many as a view keeps. */
const maxLines = 100_000;

/** Follows a run's log until the run has ended. Of a longer one, only its last 100,000 lines are read. */
export function followRun(api: Api, taskId: string, following: Following): Promise<void> {
  const { onBegin, onLines, onProgress, signal } = following;
  let hasBegun = false;
  return readStream(
    async (connection) => {
      const answer = await api.http.GET("/api/actions/run-code-stream/", {
        params: {
          query: { task_id: taskId, events: true, last: maxLines },
          header: connection.lastId === "" ? {} : { "last-event-id": connection.lastId },
        },
        parseAs: "stream",
        signal: connection.signal,
      });
      if (answer.response.body === null) throw new Error("the log's stream has no body");
      return answer.response.body;
    },
    {
      signal,
      isLost: (error) => !(error instanceof ApiError && error.status < 500),
      onEvents: (events) => {
        const lines = events.filter(({ name }) => name === "message");
        if (!hasBegun && lines[0] !== undefined) {
          hasBegun = true;
          onBegin(skippedBefore(lines[0].id));
        }
        if (lines.length > 0) onLines(lines.map(({ data }) => data));
        for (const { name, data } of events) if (name === "progress") onProgress(JSON.parse(data));
      },
    },
  );
}

/** Returns how many lines of its attempt come before a line: an id is `<attempt>-<number>`. */
function skippedBefore(id: string): number {
  const number = Number(id.split("-")[1]);
  return Number.isInteger(number) && number > 0 ? number - 1 : 0;
}
