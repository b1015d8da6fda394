import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { type Api, body } from "@/api/client";
import type { components } from "@/api/schema";

export type App = components["schemas"]["Application"];

/** A part of the apps in the order of their names. */
type Part = { results: App[]; next_cursor?: string | null };

/** Reads the first apps, by name, that may be used. */
export function appsQuery(api: Api) {
  return queryOptions({
    queryKey: ["apps"],
    queryFn: ({ signal }): Promise<Part> => readApps(api, { search: "", cursor: "" }, signal),
  });
}

/** Reads the apps that may be used, part by part, by name. */
export function appListQuery(api: Api, search: string) {
  return infiniteQueryOptions({
    queryKey: ["apps", { search }],
    queryFn: ({ signal, pageParam }): Promise<Part> => readApps(api, { search, cursor: pageParam }, signal),
    initialPageParam: "",
    getNextPageParam: (part) => part.next_cursor ?? null,
  });
}

async function readApps(api: Api, { search, cursor }: { search: string; cursor: string }, signal: AbortSignal) {
  const query = { show: "usable" as const, order: "name" as const, limit: 50, cursor, ...(search ? { search } : {}) };
  return body(await api.http.GET("/api/apps/", { signal, params: { query } }));
}

/** Reads one app by id or slug. */
export function appQuery(api: Api, app: string) {
  return queryOptions({
    queryKey: ["apps", app],
    queryFn: async ({ signal }) => body(await api.http.GET("/api/apps/{app}/", { signal, params: { path: { app } } })),
  });
}

const shownParts = 8;

/** Reads the first tables and actions of an app, by name. */
export function partsQuery(api: Api, app: string) {
  return queryOptions({
    queryKey: ["apps", app, "parts"],
    queryFn: async ({ signal }) => {
      const order = "name" as const;
      const first = { order, limit: shownParts, cursor: "" };
      const [tables, actions] = await Promise.all([
        api.http.GET("/api/apps/{app}/user_tables/", { signal, params: { path: { app }, query: first } }),
        api.http.GET("/api/actions/", { signal, params: { query: { app, ...first } } }),
      ]);
      return { tables: body(tables).tables, actions: body(actions) };
    },
  });
}

/** Creates an empty app. */
export async function createApp(api: Api, values: { name: string; description: string }): Promise<App> {
  return body(await api.http.POST("/api/apps/", { body: values }));
}
