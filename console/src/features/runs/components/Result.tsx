import { Button } from "@mantine/core";
import { t } from "@/i18n";
import { download } from "@/ui/download";
import { EmptyState } from "@/ui/EmptyState";
import { JsonTree } from "@/ui/JsonTree";
import type { RunDetail } from "../api";

/** Shows what a run returned, to open level by level or to download; or why there is nothing. */
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
  const save = () => download(`run-${run.id}.json`, JSON.stringify(run.result, null, 2));
  return (
    <>
      <div>
        <Button size="compact-sm" variant="default" onClick={save}>
          {t("Download")}
        </Button>
      </div>
      <JsonTree value={run.result} label={t("Result")} />
    </>
  );
}
