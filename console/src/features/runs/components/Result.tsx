import { t } from "@/i18n";
import { EmptyState } from "@/ui/EmptyState";
import type { RunDetail } from "../api";
import { ResultValue } from "./ResultValue";

/** Shows what a run returned, or why there is nothing. */
export function Result({ run }: { run: RunDetail }) {
  if (run.cause === "result_too_large") {
    return (
      <EmptyState title={t("The result was too large to keep")}>
        {t("A result may have {size} kB. Write much data into a table or a file, and return what says where it is.", {
          size: Number(run.limits.result_kb),
        })}
      </EmptyState>
    );
  }
  if (run.finished_at === null) return <EmptyState title={t("The result comes when the run has ended.")} />;
  return <ResultValue result={run.result} name={`run-${run.id}`} />;
}
