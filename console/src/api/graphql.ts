import type { Api } from "./client";
import { GraphqlError } from "./errors";
import { parseExact } from "./exact";

/** Sends one operation to an app's GraphQL. Rejects with GraphqlError if the answer has errors. */
export async function graphql(
  api: Api,
  app: string,
  query: string,
  variables: Record<string, unknown>,
  signal?: AbortSignal,
): Promise<Record<string, unknown>> {
  const response = await api.send(graphqlPath(app), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query, variables }),
    ...(signal === undefined ? {} : { signal }),
  });
  return readData(parseExact(await response.text()));
}

export function graphqlPath(app: string): string {
  return `/api/apps/${encodeURIComponent(app)}/v1/graphql`;
}

/** Returns `data` of an answer; throws its first error. */
export function readData(answer: unknown): Record<string, unknown> {
  if (isRecord(answer)) {
    const [error] = Array.isArray(answer.errors) ? answer.errors : [];
    if (isRecord(error)) {
      const code = isRecord(error.extensions) ? error.extensions.code : null;
      throw new GraphqlError(String(error.message), typeof code === "string" ? code : "unexpected");
    }
    if (isRecord(answer.data)) return answer.data;
  }
  throw new GraphqlError("the answer has neither data nor errors", "unexpected");
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
