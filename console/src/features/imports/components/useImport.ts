import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useApi } from "@/api/context";
import { followImport, importQuery } from "../api";

/** Reads an import and follows it, as long as it has not ended. */
export function useImport(id: number) {
  const api = useApi();
  const cache = useQueryClient();
  const query = useQuery(importQuery(api, id));
  const isOpen = query.data !== undefined && query.data.finished_at === null;
  useEffect(() => {
    if (!isOpen) return;
    const ending = new AbortController();
    followImport(
      api,
      id,
      (job) => {
        cache.setQueryData(importQuery(api, id).queryKey, job);
        if (job.finished_at !== null) {
          void cache.invalidateQueries({ queryKey: ["imports"] });
          void cache.invalidateQueries({ queryKey: ["repairs", id] });
        }
      },
      ending.signal,
    ).catch(() => cache.invalidateQueries({ queryKey: ["import", id] }));
    return () => ending.abort();
  }, [api, cache, id, isOpen]);
  return query;
}
