import { type InfiniteData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { useApi } from "@/api/context";
import { followRuns, type Run, type RunScope, runsQuery } from "../api";
import type { RunFilters } from "../model/filters";
import { withChanged, withFresh, without } from "../model/live";

type Part = { results: Run[]; stream_after: string };

/**
 * Reads a list of runs and keeps it as it would be loaded: its stream goes on from where the list was read. What is new
 * waits in `fresh` until it is asked for. Use a key for each set of filters.
 */
export function useRunList(scope: RunScope, filters: RunFilters) {
  const api = useApi();
  const cache = useQueryClient();
  const [streamError, setStreamError] = useState<unknown>(null);
  const [fresh, setFresh] = useState<readonly Run[]>([]);
  const options = useMemo(() => runsQuery(api, scope, filters), [api, scope, filters]);
  const list = useInfiniteQuery(options);
  const after = list.data?.pages[0]?.stream_after;

  useEffect(() => {
    if (after === undefined) return;
    const ending = new AbortController();
    const shown = () => cache.getQueryData<InfiniteData<Part>>(options.queryKey)?.pages.flatMap((page) => page.results);
    setStreamError(null);
    followRuns(api, scope, filters, {
      after,
      signal: ending.signal,
      onRun: (run) => {
        cache.setQueryData<InfiniteData<Part>>(options.queryKey, (data) => data && withReplaced(data, run));
        setFresh((before) => withChanged({ shown: shown() ?? [], fresh: before }, run).fresh);
      },
      onLeft: (id) => setFresh((before) => without({ shown: [], fresh: before }, id).fresh),
    }).catch(setStreamError);
    return () => ending.abort();
  }, [api, scope, filters, options, cache, after]);

  const showFresh = () => {
    cache.setQueryData<InfiniteData<Part>>(options.queryKey, (data) => {
      const [first, ...others] = data?.pages ?? [];
      if (data === undefined || first === undefined) return data;
      const results = [...withFresh({ shown: first.results, fresh }).shown];
      return { ...data, pages: [{ ...first, results }, ...others] };
    });
    setFresh([]);
  };
  const runs = useMemo(() => list.data?.pages.flatMap((page) => page.results) ?? [], [list.data]);
  return { ...list, runs, fresh, showFresh, streamError };
}

function withReplaced(data: InfiniteData<Part>, run: Run): InfiniteData<Part> {
  if (!data.pages.some((page) => page.results.some(({ id }) => id === run.id))) return data;
  const pages = data.pages.map((page) => ({
    ...page,
    results: page.results.map((old) => (old.id === run.id ? run : old)),
  }));
  return { ...data, pages };
}
