import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { useApi } from "@/api/context";
import { LogBuffer } from "@/ui/log-buffer";
import { followRun, type RunDetail, type RunProgress, runQuery } from "../api";

const nothing: RunProgress = { progress: null, info: null, has_started: false };

/** Follows a run's log and progress until it has ended; reads the run again when it begins and ends. */
export function useRunEvents(run: Pick<RunDetail, "id" | "task_id"> | null) {
  const api = useApi();
  const cache = useQueryClient();
  const id = run?.id ?? 0;
  const taskId = run?.task_id ?? "";
  const log = useMemo(() => new LogBuffer(), []);
  const [progress, setProgress] = useState(nothing);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    if (taskId === "") return;
    const ending = new AbortController();
    const { queryKey } = runQuery(api, id);
    let hasStarted = false;
    log.clear();
    setProgress(nothing);
    setError(null);
    followRun(api, taskId, {
      signal: ending.signal,
      onBegin: (skipped) => log.clear(skipped),
      onLines: (lines) => log.append(lines),
      onProgress: (next) => {
        setProgress(next);
        if (next.has_started && !hasStarted) void cache.invalidateQueries({ queryKey });
        hasStarted = next.has_started;
      },
    })
      .then(() => (ending.signal.aborted ? undefined : cache.invalidateQueries({ queryKey })))
      .catch(setError);
    return () => ending.abort();
  }, [api, cache, id, taskId, log]);
  return { log, error, progress: progress.progress, info: progress.info, hasStarted: progress.has_started };
}

/** Follows a run that was begun here: its log, its progress, and what came of it. */
export function useFollowedRun(started: Pick<RunDetail, "id" | "task_id"> | null) {
  const detail = useQuery({ ...runQuery(useApi(), started?.id ?? 0), enabled: started !== null });
  const events = useRunEvents(started);
  const read = started === null ? null : (detail.data ?? null);
  // The first answer may come after the event that says it is out of date.
  const status = read?.status === "pending" && events.hasStarted ? "running" : read?.status;
  const run = read && {
    ...read,
    status: status ?? read.status,
    progress: events.progress ?? read.progress,
    info: events.info ?? read.info,
  };
  return { run, log: events.log, failure: events.error ?? detail.error };
}
