import { useMutation } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { untilReached } from "@/api/retry";
import type { TabTask } from "@/api/tasks";

export type Applying = {
  readonly isPending: boolean;
  readonly error: unknown;
  /** Why it waits: the table is in use, or the server is away; null while it does not. */
  readonly waitingFor?: unknown;
  readonly isStopping?: boolean;
  readonly onStop?: () => void;
};

type Callbacks<T> = { onSuccess: (done: T) => Promise<void>; onError: (error: unknown) => void };

type Task = Pick<TabTask, "name" | "place" | "href">;

/** Applies a change, and tries again while the table is in use or the server is away, until somebody stops it. */
export function useApplying<T>(send: () => Promise<T>, task: Task, callbacks: Callbacks<T>) {
  const stopping = useRef(new AbortController());
  const [waitingFor, setWaitingFor] = useState<unknown>(null);
  const [isStopping, setStopping] = useState(false);
  const { isPending, error, mutate, reset } = useMutation({
    ...callbacks,
    meta: { task: { kind: "change", ...task, cancel: () => stopping.current.abort() } },
    mutationFn: async () => {
      stopping.current = new AbortController();
      setStopping(false);
      const { value } = await untilReached(send, (_, reason) => setWaitingFor(reason), stopping.current.signal);
      return value;
    },
  });
  const applying: Applying = {
    isPending,
    error,
    waitingFor,
    isStopping,
    // What is on its way is waited for: it may be done.
    onStop: () => {
      stopping.current.abort();
      setStopping(true);
    },
  };
  return { applying, apply: () => mutate(), reset };
}
