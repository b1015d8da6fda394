import { useCallback, useEffect, useRef, useState } from "react";
import { useApi } from "@/api/context";
import type { As } from "@/api/viewing";
import { execute, type Operation } from "../api";
import { subscribe } from "./subscribe";

/** What there is to see of one tab's last run. */
export type Execution = {
  state: "running" | "live" | "ended";
  text: string | null;
  milliseconds: number | null;
  /** How many answers a subscription has given. */
  received: number;
  error: unknown;
  /** Why the server ended a subscription. */
  reason: string | null;
};

const begun: Execution = {
  state: "running",
  text: null,
  milliseconds: null,
  received: 0,
  error: null,
  reason: null,
};

/** Runs operations, each in its tab; what ran there before is stopped. */
export function useExecutions(app: string, as: As) {
  const api = useApi();
  const [all, setAll] = useState<Readonly<Record<string, Execution>>>({});
  const stops = useRef(new Map<string, () => void>());
  const change = useCallback(
    (tab: string, changes: Partial<Execution>) =>
      setAll((before) => ({ ...before, [tab]: { ...(before[tab] ?? begun), ...changes } })),
    [],
  );
  const stop = useCallback((tab: string) => {
    stops.current.get(tab)?.();
    stops.current.delete(tab);
  }, []);
  useEffect(() => {
    const running = stops.current;
    return () => {
      for (const end of running.values()) end();
    };
  }, []);
  const run = (tab: string, operation: Operation, isSubscription: boolean) => {
    stop(tab);
    change(tab, begun);
    if (isSubscription) {
      let received = 0;
      const end = subscribe({ organization: api.organization, as }, app, operation, {
        onData: (_payload, text) => {
          received += 1;
          change(tab, { state: "live", text, received });
        },
        onEnd: (reason) => change(tab, { state: "ended", reason }),
      });
      change(tab, { state: "live" });
      stops.current.set(tab, end);
      return;
    }
    const ending = new AbortController();
    stops.current.set(tab, () => {
      ending.abort();
      change(tab, { state: "ended" });
    });
    execute(api, app, operation, as, ending.signal).then(
      ({ text, milliseconds }) => change(tab, { state: "ended", text, milliseconds }),
      (error: unknown) => {
        if (!ending.signal.aborted) change(tab, { state: "ended", error });
      },
    );
  };
  return { all, run, stop };
}
