import { Badge, Button, Progress, Text } from "@mantine/core";
import { Suspense, useCallback } from "react";
import { type RunDetail, Standstill } from "@/features/runs";
import { t } from "@/i18n";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LogView } from "@/ui/LogView";
import { hasEnded, type Running } from "../model/use-run";
import classes from "./OutputView.module.css";

type Props = { running: Running; paths: ReadonlySet<string>; onOpen: (path: string, line: number) => void };

const words: Record<RunDetail["status"], () => string> = {
  pending: () => t("Waiting for a runner"),
  running: () => t("Running"),
  completed: () => t("Completed"),
  failed: () => t("Failed"),
  stopped: () => t("Cancelled"),
};
const colors: Record<RunDetail["status"], string> = {
  pending: "var(--am-muted)",
  running: "var(--am-running)",
  completed: "var(--am-ok)",
  failed: "var(--am-error)",
  stopped: "var(--am-muted)",
};

/** What the newest run prints, live, with its state, progress and a way to end it. */
export function OutputView({ running, paths, onOpen }: Props) {
  const { started, run, log, cancelling, failure } = running;
  const canOpen = useCallback((path: string) => paths.has(path), [paths]);
  if (started === null) return <p className={classes.nothing}>{t("Run the action to see here what it prints.")}</p>;
  const status = run?.status ?? "pending";
  const isOver = run !== null && hasEnded(run);
  const isStopping = cancelling.isPending || (run?.cancel_requested_at !== null && run !== null && !isOver);
  const state = (
    <>
      <Badge variant="outline" color={colors[status]} className={classes.badge} role="status">
        {words[status]()}
      </Badge>
      <Text size="xs" c="dimmed" className={classes.fact}>
        {started.version === null
          ? t("run {number}, of your draft", { number: started.run_number })
          : t("run {number}, v{version}", { number: started.run_number, version: started.version })}
      </Text>
      {!isOver && run?.progress !== null && run?.progress !== undefined && (
        <>
          <Progress value={run.progress} className={classes.progress} aria-label={t("Progress")} />
          <Text size="xs" className={classes.fact}>
            {run.progress} % {run.info}
          </Text>
        </>
      )}
      {!isOver && (
        <Button
          size="compact-xs"
          variant="default"
          disabled={isStopping}
          onClick={() => cancelling.mutate(started.run_id)}
        >
          {isStopping ? t("Cancelling") : t("Cancel")}
        </Button>
      )}
    </>
  );
  return (
    <div className={classes.output}>
      {failure !== null && failure !== undefined && <ErrorPanel error={failure} />}
      {cancelling.error !== null && <ErrorPanel error={cancelling.error} />}
      {status === "pending" && (
        <Suspense fallback={null}>
          <Standstill />
        </Suspense>
      )}
      <LogView
        log={log}
        label={t("Output of the run")}
        name={`run-${started.run_number}`}
        state={state}
        canOpen={canOpen}
        onOpen={onOpen}
      />
    </div>
  );
}
