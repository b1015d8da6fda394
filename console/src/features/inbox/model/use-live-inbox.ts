import { type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import type { Api } from "@/api/client";
import { useApi } from "@/api/context";
import { followInbox, type Notification, type Shown, unreadQuery } from "../api";
import { type Parts, withArrived } from "./inbox";

const liveKey = ["inbox is live"];

/** Follows the inbox as long as the page can be seen: a browser has few connections, and all tabs share them. */
export function useLiveInbox(): void {
  const api = useApi();
  const cache = useQueryClient();
  useEffect(() => whileVisible((signal) => follow(api, cache, signal)), [api, cache]);
}

/** Returns whether new notifications come by themselves. */
export function useIsInboxLive(): boolean {
  return useQuery({ queryKey: liveKey, queryFn: () => true, initialData: true, staleTime: "static" }).data;
}

async function follow(api: Api, cache: QueryClient, signal: AbortSignal): Promise<void> {
  let isFirst = true;
  const onJobs = () => void cache.invalidateQueries({ queryKey: ["own jobs"] });
  const onState = (isLive: boolean) => {
    cache.setQueryData(liveKey, isLive);
    // What became of a job between its reading and now was told to nobody.
    if (isLive) onJobs();
    // While nobody listened, something may have been read elsewhere.
    if (isLive && !isFirst) void refresh(cache);
    isFirst = false;
  };
  try {
    await followInbox(api, { onNew: (arrived) => take(api, cache, arrived), onJobs, onState, signal });
  } catch {
    // Refused: the list says that nothing comes by itself.
  }
  if (!signal.aborted) cache.setQueryData(liveKey, false);
}

/** Asks again for everything about the inbox. */
export async function refresh(cache: QueryClient): Promise<void> {
  await Promise.all(["unread", "inbox"].map((key) => cache.invalidateQueries({ queryKey: [key] })));
}

function take(api: Api, cache: QueryClient, arrived: Notification): void {
  cache.setQueryData(unreadQuery(api).queryKey, (count) => (count === undefined ? count : count + 1));
  for (const shown of ["unread", "all"] satisfies Shown[]) {
    cache.setQueryData<Parts<Notification>>(["inbox", shown], (list) => list && withArrived(list, arrived));
  }
}

function whileVisible(begin: (signal: AbortSignal) => Promise<void>): () => void {
  let ending: AbortController | null = null;
  const change = () => {
    const isVisible = document.visibilityState === "visible";
    if (isVisible && ending === null) {
      ending = new AbortController();
      void begin(ending.signal);
    } else if (!isVisible) {
      ending?.abort();
      ending = null;
    }
  };
  change();
  document.addEventListener("visibilitychange", change);
  return () => {
    document.removeEventListener("visibilitychange", change);
    ending?.abort();
  };
}
