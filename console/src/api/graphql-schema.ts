import { queryOptions } from "@tanstack/react-query";
import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery } from "graphql";
import type { Api } from "./client";
import { graphql } from "./graphql";

/** Reads what an app's GraphQL offers to who is signed in. */
export function schemaQuery(api: Api, app: string) {
  return queryOptions({
    queryKey: ["graphql schema", app],
    queryFn: async ({ signal }) => {
      const data = await graphql(api, app, getIntrospectionQuery({ descriptions: true }), {}, signal);
      if (!isIntrospection(data)) throw new Error("the introspection has no schema");
      return buildClientSchema(data, { assumeValid: true });
    },
    staleTime: 300_000,
  });
}

function isIntrospection(data: object): data is IntrospectionQuery {
  return "__schema" in data;
}
