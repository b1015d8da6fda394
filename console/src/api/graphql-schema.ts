import { queryOptions } from "@tanstack/react-query";
import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery } from "graphql";
import type { Api } from "./client";
import { graphqlPath, readData } from "./graphql";
import { type As, headersOf } from "./viewing";

/** Reads what an app's GraphQL offers to who is signed in, or to whom they view it as. */
export function schemaQuery(api: Api, app: string, as: As = null) {
  return queryOptions({
    queryKey: ["graphql schema", app, as],
    queryFn: async ({ signal }) => {
      const response = await api.send(graphqlPath(app), {
        method: "POST",
        headers: { "Content-Type": "application/json", ...headersOf(as) },
        body: JSON.stringify({ query: getIntrospectionQuery({ descriptions: true }) }),
        signal,
      });
      const data = readData(await response.json());
      if (!isIntrospection(data)) throw new Error("the introspection has no schema");
      return buildClientSchema(data, { assumeValid: true });
    },
    staleTime: 300_000,
  });
}

function isIntrospection(data: object): data is IntrospectionQuery {
  return "__schema" in data;
}
