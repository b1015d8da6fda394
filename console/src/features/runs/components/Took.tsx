import { useEffect, useState } from "react";
import { duration } from "@/ui/time";
import type { Run } from "../api";

/** Shows how long a run took, or how long it has been going, by the second. */
export function Took({ run }: { run: Pick<Run, "started_at" | "finished_at"> }) {
  const goes = run.started_at !== null && run.finished_at === null;
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!goes) return;
    const timer = window.setInterval(() => setNow(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, [goes]);
  if (run.started_at === null) return null;
  const end = run.finished_at === null ? now : Date.parse(run.finished_at);
  return duration(Math.max(0, end - Date.parse(run.started_at)) / 1000);
}
