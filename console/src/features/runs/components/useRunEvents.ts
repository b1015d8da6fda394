import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { useApi } from "@/api/context";
import { LogBuffer } from "@/ui/log-buffer";
import { followRun, type RunDetail, runQuery } from "../api";

type Told = { progress: number | null; info: string | null };

/** Follows a run's log and progress until it has ended; then reads the run again. */
export function useRunEvents(run: RunDetail) {
  const api = useApi();
  const cache = useQueryClient();
  const { id, task_id: taskId } = run;
  const log = useMemo(() => new LogBuffer(), []);
  const [told, setTold] = useState<Told>({ progress: null, info: null });
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    const ending = new AbortController();
    log.clear();
    followRun(api, taskId, {
      signal: ending.signal,
      onLines: (lines) => log.append(lines),
      onProgress: (progress) => {
        setTold(progress);
        // It may have begun since it was read.
        if (cache.getQueryData(runQuery(api, id).queryKey)?.started_at === null) {
          cache.invalidateQueries({ queryKey: ["run", id] });
        }
      },
    })
      .then(() => (ending.signal.aborted ? undefined : cache.invalidateQueries({ queryKey: ["run", id] })))
      .catch(setError);
    return () => ending.abort();
  }, [api, cache, id, taskId, log]);
  return { log, error, ...told };
}
