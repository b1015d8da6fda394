import { useEffect, useState } from "react";
import { t } from "@/i18n";
import type { ServerState } from "../editor/server/connection";
import classes from "./SaveState.module.css";

const patienceMs = 1_000;

/** Says quietly when completion is away; it comes back by itself, and writing goes on meanwhile. */
export function CompletionState({ state }: { state: ServerState }) {
  const isAway = state === "restarting" || state === "unavailable";
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    if (!isAway) return setShown(false);
    const timer = window.setTimeout(() => setShown(true), patienceMs);
    return () => window.clearTimeout(timer);
  }, [isAway]);
  return (
    <span className={classes.state} role="status" data-completion={state}>
      {isShown && (state === "restarting" ? t("Completion is restarting") : t("Completion is not available now"))}
    </span>
  );
}
