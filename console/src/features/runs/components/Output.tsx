import { t } from "@/i18n";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LogView } from "@/ui/LogView";
import type { LogBuffer } from "@/ui/log-buffer";
import type { RunDetail } from "../api";

/** Shows what the run writes, as it comes. */
export function Output({ log, error, run }: { log: LogBuffer; error: unknown; run: RunDetail }) {
  if (error !== null) return <ErrorPanel error={error} />;
  return <LogView log={log} label={t("Output of run {id}", { id: run.id })} name={`run-${run.id}`} />;
}
