import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { ApiError } from "@/api/errors";

/** What a request is refused with when who is signed in is no member any more, or has another role. */
const lost: ReadonlySet<string> = new Set(["not_your_organization", "no_organization", "missing_role"]);

/** Asks who one is again whenever a request is refused for lack of rights, which may have changed meanwhile. */
export function useRightsAskedAgain(): void {
  const cache = useQueryClient();
  useEffect(() => listen(cache), [cache]);
}

function listen(cache: QueryClient): () => void {
  const onError = (error: unknown) => {
    if (error instanceof ApiError && lost.has(error.code)) void cache.invalidateQueries({ queryKey: ["me"] });
  };
  const ends = [
    cache.getQueryCache().subscribe((event) => {
      // The answer to the question itself must not ask it again.
      if (event.type === "updated" && event.action.type === "error" && event.query.queryKey[0] !== "me")
        onError(event.action.error);
    }),
    cache.getMutationCache().subscribe((event) => {
      if (event.type === "updated" && event.action.type === "error") onError(event.action.error);
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}
