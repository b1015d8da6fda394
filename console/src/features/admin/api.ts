import { queryOptions } from "@tanstack/react-query";
import { type Api, body } from "@/api/client";
import type { components } from "@/api/schema";

export type Health = components["schemas"]["InstallationHealthRead"];

/** Reads how the installation does; refused for who is no operator. */
export function healthQuery(api: Api) {
  return queryOptions({
    queryKey: ["health"],
    queryFn: async ({ signal }) => body(await api.http.GET("/api/admin/health/", { signal })),
    retry: false,
    staleTime: 0,
  });
}
