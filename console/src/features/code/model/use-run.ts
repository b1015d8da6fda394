import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { useApi } from "@/api/context";
import { LogBuffer } from "@/ui/log-buffer";
import { cancelRun, followLog, type Run, type RunStarted, runQuery, startRun } from "../api";

/** A run that was begun here, and the version that it runs. */
export type Started = RunStarted & { action: number; version: number };

const refreshAfter = 700;
const ended: ReadonlySet<string> = new Set(["completed", "failed", "stopped"]);

export function hasEnded(run: Pick<Run, "status">): boolean {
  return ended.has(run.status);
}

/** Begins runs and follows the newest: its log, its state and its progress. */
export function useRun() {
  const api = useApi();
  const cache = useQueryClient();
  const [started, setStarted] = useState<Started | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const log = useMemo(() => new LogBuffer(), []);
  const detail = useQuery({ ...runQuery(api, started?.run_id ?? 0), enabled: started !== null });

  useEffect(() => {
    if (started === null) return;
    const leaving = new AbortController();
    const query = runQuery(api, started.run_id);
    let timer = 0;
    const refresh = () => {
      timer = 0;
      void cache.invalidateQueries(query);
    };
    log.clear();
    setFailure(null);
    followLog(api, started.task_id, {
      signal: leaving.signal,
      onEvents: (events) => {
        const lines = events.flatMap(({ name, data }) => (name === "message" ? [data] : []));
        if (lines.length > 0) log.append(lines);
        // State and progress change with what the run prints; the stream itself does not tell them yet.
        if (timer === 0) timer = window.setTimeout(refresh, refreshAfter);
      },
    })
      .catch(setFailure)
      .finally(() => {
        if (!leaving.signal.aborted) refresh();
      });
    return () => {
      window.clearTimeout(timer);
      leaving.abort();
    };
  }, [started, api, cache, log]);

  const starting = useMutation({
    mutationFn: async (asked: { action: number; version: number; input: Record<string, unknown> }) => {
      const run = await startRun(api, asked.action, asked.input);
      return { ...run, action: asked.action, version: asked.version };
    },
    onSuccess: (run) => {
      setStarted(run);
      void cache.invalidateQueries({ queryKey: ["runs", "inputs", run.action] });
    },
  });
  const cancelling = useMutation({
    mutationFn: (run: number) => cancelRun(api, run),
    onSuccess: (_, run) => cache.invalidateQueries(runQuery(api, run)),
  });
  const run = started === null ? null : (detail.data ?? null);
  return { started, run, log, starting, cancelling, failure: failure ?? detail.error };
}

export type Running = ReturnType<typeof useRun>;
