import { queryOptions } from "@tanstack/react-query";
import { type Api, body } from "@/api/client";
import type { components } from "@/api/schema";

export type Job = components["schemas"]["OwnJobRead"];

/** Reads one's own imports and exports: open ones and the last day's. The stream of the inbox says when to read again. */
export function ownJobsQuery(api: Api) {
  return queryOptions({
    queryKey: ["own jobs"],
    queryFn: async ({ signal }) => body(await api.http.GET("/api/apps/csv-jobs/", { signal })).results,
  });
}

/** Asks for the end of an import or an export; what an import has brought in stays. */
export async function cancelJob(api: Api, { kind, id }: Pick<Job, "kind" | "id">): Promise<void> {
  if (kind === "import") {
    await api.http.POST("/api/apps/csv-imports/{import_id}/cancel/", { params: { path: { import_id: id } } });
  } else {
    await api.http.POST("/api/apps/csv-exports/{export_id}/cancel/", { params: { path: { export_id: id } } });
  }
}
