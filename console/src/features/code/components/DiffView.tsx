import { useEffect, useRef } from "react";
import type { Diff } from "../editor/diff";
import classes from "./DiffView.module.css";

/** Two texts side by side. With `onAfter`, the right one can be changed, also by taking places of the left. */
export function DiffView({ path, before, after, onAfter }: Diff) {
  const place = useRef<HTMLDivElement>(null);
  const change = useRef(onAfter);
  change.current = onAfter;
  const first = useRef(after);
  first.current = after;
  const canChange = onAfter !== undefined;
  // What is changed in the view itself is there already.
  const shown = canChange ? null : after;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another text on the right makes another view
  useEffect(() => {
    let remove: (() => void) | null = null;
    let isGone = false;
    void import("../editor/diff").then(({ showDiff }) => {
      if (place.current === null || isGone) return;
      remove = showDiff(place.current, {
        path,
        before,
        after: first.current,
        ...(canChange ? { onAfter: (text: string) => change.current?.(text) } : {}),
      });
    });
    return () => {
      isGone = true;
      remove?.();
    };
  }, [path, before, shown, canChange]);
  return <div ref={place} className={classes.diff} />;
}
