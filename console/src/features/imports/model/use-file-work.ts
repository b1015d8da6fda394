import { type QueryClient, queryOptions, useMutationState, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import type { Api } from "@/api/client";
import { useApi } from "@/api/context";
import { type ChosenFile, type Fields, type SentFile, sendFile, type TablePlan } from "../api";

/** What a person has chosen on the way from a file to its import. */
export type FileWork = {
  /** Whether its form is open. */
  isOpen: boolean;
  /** Whether one has gone back from the columns to the file. */
  isBack: boolean;
  chosen: ChosenFile | null;
  sent: SentFile | null;
  options: Fields;
  /** What becomes of the columns in a new table; null: as suggested. */
  plan: TablePlan | null;
  /** The names that were suggested, to go back to when a column is taken in again. */
  names: ReadonlyMap<number, string> | null;
  /** Name of the new app; null: as suggested. */
  name: string | null;
  /** Where the columns go in a table that exists; null: as suggested. */
  mapping: Record<string, string | null> | null;
  /** What becomes of rows that are there already. */
  rule: string;
  /** The last request to begin, by which the same one again begins nothing twice. */
  key: { content: string; value: string } | null;
};

/** Where the work is done: `title` is what a person calls it. */
export type WorkPlace = { id: string; title: string; href: string };

export type Upload = {
  /** How much of the file has gone, from 0 to 1. */
  part: number;
  error: Error | null;
  isStopped: boolean;
};

/** Times that name no zone are those of the person who sends the file. */
const zone: Fields = { timezone: Intl.DateTimeFormat().resolvedOptions().timeZone };

const begun: FileWork = {
  ...{ isOpen: false, isBack: false, chosen: null, sent: null, options: zone },
  ...{ plan: null, names: null, name: null, mapping: null, rule: "", key: null },
};

/**
 * Holds the work at one place as long as the tab is open: leaving the page neither ends an upload nor loses a choice.
 * Another file begins anew.
 */
export function useFileWork(place: WorkPlace) {
  const api = useApi();
  const cache = useQueryClient();
  const { id, title, href } = place;
  const kept = useQuery(workQuery(id)).data;
  // What is typed shows at once: the cache tells of a change a moment later, and a field would lose its caret.
  const [typed, setTyped] = useState({ id, work: kept });
  const now = typed.id === id ? typed.work : kept;
  // The upload ends beside the page.
  const work = { ...now, sent: kept.chosen === now.chosen ? kept.sent : null };
  const actions = useMemo(() => {
    const at = { id, title, href };
    const change = (next: Partial<FileWork>) => {
      put(cache, id, next);
      setTyped({ id, work: cache.getQueryData(workQuery(id).queryKey) ?? begun });
    };
    return {
      change,
      choose: (chosen: ChosenFile) => {
        forgetUpload(cache, id);
        change({ ...begun, isOpen: true, chosen });
        void send(cache, api, at, chosen);
      },
      sendAgain: (chosen: ChosenFile) => {
        forgetUpload(cache, id);
        void send(cache, api, at, chosen);
      },
      stopUpload: () => uploadsAt(cache, id).map(({ meta }) => meta?.task?.cancel?.()),
      /** Forgets everything: it was begun, or given up. */
      drop: () => {
        forgetUpload(cache, id);
        change(begun);
      },
    };
  }, [api, cache, id, title, href]);
  return { work, ...actions };
}

/** Returns how far the upload at a place is. */
export function useUpload(place: WorkPlace): Upload {
  const part = useQuery(partQuery(place.id)).data;
  const upload = useMutationState({
    filters: { mutationKey: uploadKey(place.id) },
    select: ({ state }) => ({ error: state.error, isPending: state.status === "pending" }),
  }).at(-1);
  const isStopped = upload === undefined || (!upload.isPending && upload.error?.name === "AbortError");
  return { part, isStopped, error: isStopped ? null : (upload?.error ?? null) };
}

function uploadKey(place: string): string[] {
  return ["upload", place];
}

function workQuery(place: string) {
  return queryOptions({
    queryKey: ["file work", place],
    queryFn: () => begun,
    initialData: begun,
    staleTime: "static",
    gcTime: Number.POSITIVE_INFINITY,
  });
}

function partQuery(place: string) {
  const queryKey = ["upload part", place];
  return queryOptions({ queryKey, queryFn: () => 0, initialData: 0, staleTime: "static" });
}

function put(cache: QueryClient, place: string, next: Partial<FileWork>): void {
  cache.setQueryData(workQuery(place).queryKey, (before) => ({ ...(before ?? begun), ...next }));
}

function uploadsAt(cache: QueryClient, place: string) {
  return cache.getMutationCache().findAll({ mutationKey: uploadKey(place) });
}

function forgetUpload(cache: QueryClient, place: string): void {
  for (const upload of uploadsAt(cache, place)) {
    upload.meta?.task?.cancel?.();
    cache.getMutationCache().remove(upload);
  }
}

/** Sends a file; nothing of it is imported by that. It belongs to the tab, not to the page. */
async function send(cache: QueryClient, api: Api, { id, title, href }: WorkPlace, chosen: ChosenFile): Promise<void> {
  const ending = new AbortController();
  const part = partQuery(id);
  cache.setQueryData(part.queryKey, 0);
  const upload = cache.getMutationCache().build(cache, {
    mutationKey: uploadKey(id),
    mutationFn: () =>
      sendFile(
        api,
        chosen.file,
        (done) => {
          if (!ending.signal.aborted) cache.setQueryData(part.queryKey, done);
        },
        ending.signal,
      ),
    onSuccess: (sent: SentFile) => {
      if (!ending.signal.aborted) put(cache, id, { sent });
    },
    networkMode: "always",
    gcTime: Number.POSITIVE_INFINITY,
    meta: {
      task: {
        ...{ kind: "upload", name: chosen.file.name, place: title, href, partKey: part.queryKey },
        cancel: () => ending.abort(),
      },
    },
  });
  // Its state says what went wrong.
  await upload.execute(undefined).catch(() => undefined);
}
