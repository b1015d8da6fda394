import { QueryClient } from "@tanstack/react-query";
import createFetchClient from "openapi-fetch";
import createQueryHooks from "openapi-react-query";
import { following } from "./done";
import { ApiError, NetworkError, readError } from "./errors";
import { noteReached } from "./reach";
import type { paths } from "./schema";
import { askToSignIn } from "./session";
import { upload } from "./upload";
import { actingHeaders } from "./viewing";

/** The API acting in one organization (by slug or id), or in that of the sign-in. */
export type Api = ReturnType<typeof createApi>;

/**
 * Makes a typed client. Whatever is not a success rejects with ApiError or NetworkError. With `canAskToSignIn`, a
 * request whose sign-in has ended waits until the person has signed in again, and is then repeated. With `isOneself`,
 * it asks with one's own rights also while this tab views as somebody else.
 */
export function createApi(organization: string | null, { canAskToSignIn = true, isOneself = false } = {}) {
  const headers = () => actingHeaders(organization, isOneself);
  const http = createFetchClient<paths>({
    baseUrl: "/",
    headers: headers(),
    fetch: (request) => send(request, canAskToSignIn),
  });
  return {
    organization,
    http,
    /** Sends a form and says how much of it has gone; `fetch` does not. */
    upload: (path: string, form: FormData, onProgress: (part: number) => void, signal: AbortSignal) =>
      upload({ path, form, onProgress, signal, headers: actingHeaders(organization) }),
    query: createQueryHooks(http),
    /** For what the API's description does not hold: GraphQL of an app. */
    send: (path: string, init: RequestInit) => {
      const request = new Request(new URL(path, window.location.href), init);
      for (const [name, value] of Object.entries(headers())) request.headers.set(name, value);
      return send(request, canAskToSignIn);
    },
  };
}

async function send(request: Request, canAskToSignIn: boolean): Promise<Response> {
  const again = canAskToSignIn ? request.clone() : null;
  const noteDone = following(request);
  const response = await attempt(request);
  if (response.ok) {
    noteDone?.();
    return response;
  }
  const error = await readError(response);
  if (error.status === 401 && again !== null && (await askToSignIn())) return send(again, canAskToSignIn);
  throw error;
}

async function attempt(request: Request): Promise<Response> {
  try {
    const response = await fetch(request);
    noteReached(true);
    return response;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    noteReached(false);
    throw new NetworkError("no answer", { cause: error });
  }
}

/** Makes the cache of one organization's answers; two organizations never share one. */
export function createCache(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 30_000,
        retry: (failures, error) => failures < 3 && !(error instanceof ApiError && error.status < 500),
        retryDelay: (failures) => Math.min(1000 * 2 ** failures, 10_000),
      },
    },
  });
}

/** Returns the body of a success. */
export function body<T>(answer: { data?: T }): T {
  if (answer.data === undefined) throw new Error("the API answered a success without its body");
  return answer.data;
}
