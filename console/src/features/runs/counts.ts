import { type QueryClient, queryOptions } from "@tanstack/react-query";
import { type Api, body } from "@/api/client";
import { followRuns } from "./api";

const minPause = 2000;

/** Reads how many runs are under way; a hundred stands for a hundred or more. */
export function underWayQuery(api: Api) {
  return queryOptions({
    queryKey: ["runs under way"],
    queryFn: async ({ signal }) => body(await api.http.GET("/api/bootstrap/", { signal })).runs_under_way,
  });
}

/** Reads how many runs that began since `from` have failed. */
export function failedQuery(api: Api, from: string) {
  return queryOptions({
    queryKey: ["failed runs", from],
    queryFn: async ({ signal }) => {
      const query = { state: ["failed" as const], from, buckets: 1 };
      const { buckets } = body(await api.http.GET("/api/actions/runs/histogram/", { signal, params: { query } }));
      return buckets.reduce((sum, bucket) => sum + bucket.failed, 0);
    },
  });
}

/** Counts anew when runs have begun or ended, at most every two seconds, until `signal` ends it. */
export async function followCounts(api: Api, cache: QueryClient, signal: AbortSignal): Promise<void> {
  let timer = 0;
  const count = () => {
    timer = 0;
    for (const key of ["runs under way", "failed runs"]) void cache.invalidateQueries({ queryKey: [key] });
  };
  const onChange = () => {
    if (timer === 0) timer = window.setTimeout(count, minPause);
  };
  signal.addEventListener("abort", () => window.clearTimeout(timer));
  await followRuns(api, { app: null }, {}, { onRun: onChange, onLeft: onChange, signal });
}

/** Returns when today began, here. */
export function midnight(now = new Date()): string {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate()).toISOString();
}
