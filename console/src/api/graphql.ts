import type { Api } from "./client";
import { GraphqlError, NetworkError } from "./errors";
import { parseExact } from "./exact";

/** An answer that is larger than the page can show; the rest of it was not read. */
export class TooLargeAnswer extends Error {
  override readonly name = "TooLargeAnswer";
}

/**
 * Sends one operation to an app's GraphQL. Rejects with GraphqlError if the answer has errors, and with TooLargeAnswer
 * if it has more than `maxBytes`.
 */
export async function graphql(
  api: Api,
  app: string,
  query: string,
  variables: Record<string, unknown>,
  signal?: AbortSignal,
  maxBytes = Number.POSITIVE_INFINITY,
): Promise<Record<string, unknown>> {
  const response = await api.send(graphqlPath(app), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query, variables }),
    ...(signal === undefined ? {} : { signal }),
  });
  return readData(parseExact(await textOf(response, maxBytes)));
}

async function textOf(response: Response, maxBytes: number): Promise<string> {
  if (response.body === null) return "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const parts: string[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw new NetworkError("the answer broke off", { cause: error });
    });
    if (done) return parts.join("");
    parts.push(value);
    size += value.length;
    if (size > maxBytes) {
      await reader.cancel();
      throw new TooLargeAnswer("the answer is larger than the page can show");
    }
  }
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
