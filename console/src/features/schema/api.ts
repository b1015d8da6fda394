import { queryOptions } from "@tanstack/react-query";
import { type Api, body } from "@/api/client";
import { ApiError } from "@/api/errors";
import type { components } from "@/api/schema";
import { readStream } from "@/api/sse";

export type Edit = components["schemas"]["TableConfiguration"];
export type NewTable = components["schemas"]["TableCreate"];
export type Plan = components["schemas"]["PlanRead"];
export type Use = components["schemas"]["UseRead"];
export type Check = components["schemas"]["CheckRead"];
export type ColumnType = components["schemas"]["ColumnType"];

/** Reads what an edit would do. Another edit is another plan; none is kept longer than it is shown. */
export function planQuery(api: Api, app: string, table: string | null, change: Edit | NewTable) {
  return queryOptions({
    queryKey: ["schema-plan", app, table, change],
    queryFn: async ({ signal }) => {
      if (table !== null) {
        const path = { app, table_name: table };
        return body(
          await api.http.POST("/api/apps/{app}/table/{table_name}/plan/", { params: { path }, body: change, signal }),
        );
      }
      const created = { ...change, name: change.name ?? "" };
      return body(
        await api.http.POST("/api/apps/{app}/new_table/plan/", {
          params: { path: { app } },
          body: newOf(created),
          signal,
        }),
      );
    },
    gcTime: 0,
    staleTime: 0,
    refetchOnWindowFocus: false,
    // Two plans of an organization are made at a time; another one waits for its turn.
    retry: (failures, error) => failures < 5 && error instanceof ApiError && error.status === 429,
    retryDelay: 1000,
  });
}

/** Reads what uses a table, and would miss it. */
export function usesQuery(api: Api, app: string, table: string) {
  return queryOptions({
    queryKey: ["table-uses", app, table],
    queryFn: async ({ signal }) => {
      const path = { app, table_name: table };
      const answer = await api.http.GET("/api/apps/{app}/table/{table_name}/uses/", { params: { path }, signal });
      return body(answer).uses;
    },
    gcTime: 0,
  });
}

export async function editTable(api: Api, app: string, table: string, change: Edit) {
  const path = { app, table_name: table };
  return body(
    await api.http.PUT("/api/apps/{app}/table/{table_name}/configuration/", { params: { path }, body: change }),
  );
}

export async function createTable(api: Api, app: string, table: NewTable) {
  return body(await api.http.POST("/api/apps/{app}/new_table/", { params: { path: { app } }, body: table }));
}

export async function deleteTable(api: Api, app: string, table: string) {
  await api.http.DELETE("/api/apps/{app}/table/{table_name}/", { params: { path: { app, table_name: table } } });
}

/** Calls `onChange` whenever a definition of the app's tables may have changed, until `signal` ends it. */
export function followTables(api: Api, app: string, signal: AbortSignal, onChange: () => void): Promise<void> {
  return readStream(
    async (connection) => {
      const answer = await api.http.GET("/api/apps/{app}/tables/stream/", {
        params: {
          path: { app },
          header: connection.lastId === "" ? {} : { "last-event-id": connection.lastId },
        },
        parseAs: "stream",
        signal: connection.signal,
      });
      if (answer.response.body === null) throw new Error("the stream of tables has no body");
      return answer.response.body;
    },
    { signal, isLost: (error) => !(error instanceof ApiError && error.status < 500), onEvents: onChange },
  );
}

/** Returns the parts of an edit that a new table takes. */
export function newOf({
  name,
  description,
  columns,
  unique,
  foreign_keys,
  indexes,
}: Edit & { name: string }): NewTable {
  return {
    name,
    description: description ?? "",
    columns: columns ?? [],
    unique: unique ?? [],
    foreign_keys: foreign_keys ?? [],
    indexes: indexes ?? [],
  };
}
