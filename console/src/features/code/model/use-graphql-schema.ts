import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { useApi } from "@/api/context";

const freshMs = 30_000;

/** Returns what reads the schema of an app's GraphQL, when a script has a query; null where it cannot be read. */
export function useGraphqlSchema(app: number) {
  const api = useApi();
  const cache = useQueryClient();
  return useCallback(async () => {
    const { schemaQuery } = await import("@/api/graphql-schema");
    return cache.fetchQuery({ ...schemaQuery(api, String(app)), staleTime: freshMs }).catch(() => null);
  }, [api, cache, app]);
}
