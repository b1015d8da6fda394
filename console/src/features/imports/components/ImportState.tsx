import { t } from "@/i18n";
import { StateBadge } from "@/ui/StateBadge";
import type { Import } from "../api";

const states = { pending: "pending", in_progress: "running", completed: "completed", failed: "failed" } as const;

/** Shows how an import stands. */
export function ImportState({ job }: { job: Pick<Import, "status"> }) {
  return <StateBadge state={states[job.status]} />;
}

/** Says what an import has done. */
export function importSummary(job: Import): string {
  const { inserted, updated, skipped, dry_run } = job.import_result;
  const parts = [t("{inserted, plural, one {# row} other {# rows}}", { inserted })];
  if (updated > 0) parts.push(t("{updated, plural, one {# updated} other {# updated}}", { updated }));
  if (skipped > 0) parts.push(t("{skipped, plural, one {# left as it was} other {# left as they were}}", { skipped }));
  const rejected = dry_run ? job.import_result.rejected : job.to_repair;
  if (rejected > 0) parts.push(t("{rejected} to repair", { rejected }));
  return parts.join(" · ");
}
