import { queryOptions } from "@tanstack/react-query";
import { type Api, body, createApi } from "@/api/client";
import type { components } from "@/api/schema";

export type PermissionRead = components["schemas"]["PermissionRead"];
export type Visibility = components["schemas"]["VisibilityRead"];

/** Reads what members may do with the rows of a table; null: everything. */
export function permissionQuery(api: Api, app: string, table: string) {
  return queryOptions({
    // Below the tables of the app: whoever changes one of them may have changed this, too.
    queryKey: ["tables", app, "permissions", table],
    queryFn: async ({ signal }): Promise<PermissionRead | null> => {
      const path = { app, table_name: table };
      const read = body(
        await api.http.GET("/api/apps/{app}/table/{table_name}/permissions/", { signal, params: { path } }),
      );
      return read.roles.find(({ role }) => role === "member") ?? null;
    },
  });
}

export async function savePermission(
  api: Api,
  app: string,
  table: string,
  permission: components["schemas"]["PermissionWrite"],
): Promise<PermissionRead> {
  const path = { app, table_name: table, role: "member" as const };
  return body(
    await api.http.PUT("/api/apps/{app}/table/{table_name}/permissions/{role}/", {
      params: { path },
      body: permission,
    }),
  );
}

export async function liftLimits(api: Api, app: string, table: string, revision: number): Promise<void> {
  const path = { app, table_name: table, role: "member" as const };
  await api.http.DELETE("/api/apps/{app}/table/{table_name}/permissions/{role}/", {
    params: { path, query: { base_revision: revision } },
  });
}

/** Asks why somebody sees a row or does not; with one's own rights, also while this tab views as them. */
export async function readVisibility(
  organization: string,
  app: string,
  table: string,
  row: string,
  target: string,
): Promise<Visibility> {
  const api = createApi(organization, { isOneself: true });
  const query = target === "member" ? { role: "member" as const } : { user: Number(target) };
  return body(
    await api.http.GET("/api/apps/{app}/table/{table_name}/rows/{row_id}/visibility/", {
      params: { path: { app, table_name: table, row_id: row }, query },
    }),
  );
}
