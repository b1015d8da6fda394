import { queryOptions } from "@tanstack/react-query";
import { type Api, body } from "@/api/client";
import type { components } from "@/api/schema";

export type Me = components["schemas"]["Me"];
export type Organization = components["schemas"]["OrganizationRead"];

/** Reads who is signed in. */
export function meQuery(api: Api) {
  return queryOptions({
    queryKey: ["me"],
    queryFn: async ({ signal }) => body(await api.http.GET("/api/me/", { signal })),
  });
}

/** Reads the organizations of who is signed in. */
export function organizationsQuery(api: Api) {
  return queryOptions({
    queryKey: ["organizations"],
    queryFn: async ({ signal }) => body(await api.http.GET("/api/organizations/", { signal })),
  });
}

/** Signs in; the answer sets a cookie that no script can read. */
export async function signIn(api: Api, values: { email: string; password: string }): Promise<void> {
  await api.http.POST("/api/sessions/", { body: values });
}

/** Ends the sign-in of this browser. */
export async function signOut(api: Api): Promise<void> {
  await api.http.DELETE("/api/sessions/current/");
}
