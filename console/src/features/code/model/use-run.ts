import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useApi } from "@/api/context";
import { cancelRuns, type RunDetail, runQuery, useFollowedRun } from "@/features/runs";
import { type RunStarted, startRun } from "../api";
import type { Changes } from "./merge";

/** A run that was begun here; `version` is null for one of a draft. */
export type Started = RunStarted & { id: number; action: number; version: number | null };
type Asked = {
  action: number;
  input: Record<string, unknown>;
  version: number | null;
  draft: Changes | null;
  rows: readonly string[];
};

const ended: ReadonlySet<string> = new Set(["completed", "failed", "stopped"]);

export function hasEnded(run: Pick<RunDetail, "status">): boolean {
  return ended.has(run.status);
}

/** Begins runs and follows the newest: its log, its state and its progress. */
export function useRun() {
  const api = useApi();
  const cache = useQueryClient();
  const [started, setStarted] = useState<Started | null>(null);
  const starting = useMutation({
    mutationFn: async ({ action, input, version, draft, rows }: Asked): Promise<Started> => {
      const run = await startRun(api, action, input, draft, rows);
      return { ...run, id: run.run_id, action, version };
    },
    onSuccess: (run) => {
      setStarted(run);
      void cache.invalidateQueries({ queryKey: ["runs", "inputs", run.action] });
    },
  });
  const cancelling = useMutation({
    mutationFn: (run: number) => cancelRuns(api, [run]),
    onSuccess: (_, run) => cache.invalidateQueries(runQuery(api, run)),
  });
  return { started, ...useFollowedRun(started), starting, cancelling };
}

export type Running = ReturnType<typeof useRun>;
