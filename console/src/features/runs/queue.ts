import { queryOptions } from "@tanstack/react-query";
import { type Api, body } from "@/api/client";
import type { components } from "@/api/schema";

export type Queue = components["schemas"]["RunQueueRead"];

/** Reads why runs of the organization wait. */
export function queueQuery(api: Api) {
  return queryOptions({
    queryKey: ["runs queue"],
    queryFn: async ({ signal }) => body(await api.http.GET("/api/actions/runs/queue/", { signal })),
    // What was so the last time something waited says nothing of now.
    gcTime: 0,
  });
}
