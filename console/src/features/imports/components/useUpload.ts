import { useCallback, useEffect, useState } from "react";
import { useApi } from "@/api/context";
import { type ChosenFile, type SentFile, sendFile } from "../api";

export type Upload = {
  /** How much of the file has gone, from 0 to 1. */
  part: number;
  sent: SentFile | null;
  error: unknown;
  isCancelled: boolean;
  /** Sends the file again from its beginning; nothing of it was imported. */
  retry: () => void;
  cancel: () => void;
};

type State = { part: number; sent: SentFile | null; error: unknown; isCancelled: boolean };

const begun: State = { part: 0, sent: null, error: null, isCancelled: false };

/** Sends a chosen file, once; another choice or leaving the page ends it. */
export function useUpload(chosen: ChosenFile): Upload {
  const api = useApi();
  const [state, setState] = useState<State>(begun);
  const [turn, setTurn] = useState(0);
  const [ending, setEnding] = useState<AbortController | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each turn sends it again
  useEffect(() => {
    const controller = new AbortController();
    setEnding(controller);
    setState(begun);
    const put = (change: Partial<State>) => {
      if (!controller.signal.aborted) setState((before) => ({ ...before, ...change }));
    };
    sendFile(api, chosen.file, (part) => put({ part }), controller.signal).then(
      (sent) => put({ sent, part: 1 }),
      (error: unknown) => put({ error }),
    );
    return () => controller.abort();
  }, [api, chosen, turn]);
  const retry = useCallback(() => setTurn((before) => before + 1), []);
  const cancel = () => {
    ending?.abort();
    setState({ ...state, isCancelled: true });
  };
  return { ...state, retry, cancel };
}
