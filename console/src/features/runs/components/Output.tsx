import { useMemo, useRef, useState } from "react";
import { useCommands } from "@/commands/registry";
import { t } from "@/i18n";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LogView } from "@/ui/LogView";
import type { LogBuffer } from "@/ui/log-buffer";
import type { RunDetail } from "../api";
import classes from "./RunPage.module.css";

/** Shows what the run writes, as it comes; of a run that had failed before, the first error. */
export function Output({ log, error, run }: { log: LogBuffer; error: unknown; run: RunDetail }) {
  const [hadFailed] = useState(run.state === "failed");
  const frame = useRef<HTMLDivElement>(null);
  useCommands(
    useMemo(() => {
      const show = () => frame.current?.querySelector<HTMLButtonElement>("[data-first-error]")?.click();
      return [{ id: "first error", title: t("First error"), group: t("Runs"), keys: "e", run: show }];
    }, []),
  );
  if (error !== null) return <ErrorPanel error={error} />;
  return (
    <div ref={frame} className={classes.output}>
      <LogView
        log={log}
        label={t("Output of run {id}", { id: run.id })}
        name={`run-${run.id}`}
        landsAtFault={hadFailed}
      />
    </div>
  );
}
