import { type RefObject, useEffect } from "react";
import { framesOf, messageOfTraceback } from "../model/traceback";
import type { Running } from "../model/use-run";
import type { EditorHandle } from "./CodeEditor";

/** Marks the lines that a failed run went through, and calls `onFailed`; a new run takes the marks of the last one away. */
export function useFailureMarks(
  editor: RefObject<EditorHandle | null>,
  { run, started }: Running,
  paths: ReadonlySet<string>,
  onFailed: () => void,
): void {
  const failed = run?.status === "failed" ? (run.error ?? "") : "";
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what comes of a run changes marks
  useEffect(() => {
    const message = messageOfTraceback(failed);
    const marks = Map.groupBy(framesOf(failed, paths), (frame) => frame.path);
    editor.current?.mark(
      new Map([...marks].map(([of, frames]) => [of, frames.map((frame) => ({ line: frame.line, message }))])),
    );
    if (failed !== "") onFailed();
  }, [failed, started?.run_id]);
}
