import { queryOptions } from "@tanstack/react-query";
import { type Api, body } from "@/api/client";
import type { components } from "@/api/schema";

export type App = components["schemas"]["Application"];

/** Reads the apps that may be used. */
export function appsQuery(api: Api) {
  return queryOptions({
    queryKey: ["apps"],
    queryFn: async ({ signal }) => {
      const answer = await api.http.GET("/api/apps/", { signal, params: { query: { show: "usable", per_page: 100 } } });
      return body(answer);
    },
  });
}

/** Reads one app by id or slug. */
export function appQuery(api: Api, app: string) {
  return queryOptions({
    queryKey: ["apps", app],
    queryFn: async ({ signal }) => body(await api.http.GET("/api/apps/{app}/", { signal, params: { path: { app } } })),
  });
}

/** Creates an empty app. */
export async function createApp(api: Api, values: { name: string; description: string }): Promise<App> {
  return body(await api.http.POST("/api/apps/", { body: values }));
}
