import { Anchor, Button, Group, Progress, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useApi, useOrganization } from "@/api/context";
import { t } from "@/i18n";
import { AsCode } from "@/ui/AsCode";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows, Page } from "@/ui/Page";
import { Time } from "@/ui/Time";
import { number } from "@/ui/time";
import { cancelImport, type Import, importQuery, saveFile } from "../api";
import { ImportState, importSummary } from "./ImportState";
import { StepsOfImport } from "./ImportSteps";
import classes from "./Imports.module.css";
import { RepairList } from "./RepairList";
import { useImport } from "./useImport";

const route = getRouteApi("/$org/$app/tables/$table/imports/$import");

/** One import: how far it is, what it did, and the rows to repair. */
export function ImportPage() {
  const { import: id, table } = route.useParams();
  const job = useImport(Number(id));
  return (
    <Page
      title={job.data === undefined ? t("Import") : t("Import of {file}", { file: job.data.file_name })}
      breadcrumb={<Up />}
      state={job.data && <ImportState job={job.data} />}
      help="/help/csv"
      asCode={<AsCode reads={`/api/apps/csv-imports/${id}/`} />}
      actions={<ToTable table={table} />}
    >
      {job.error && <ErrorPanel error={job.error} onRetry={() => job.refetch()} />}
      {job.isPending && <LoadingRows />}
      {job.data && <Shown key={job.data.id} job={job.data} />}
    </Page>
  );
}

function Shown({ job }: { job: Import }) {
  const hasEnded = job.finished_at !== null;
  const { total, total_rows } = job.import_result;
  return (
    <>
      <StepsOfImport job={job} />
      <Text fw={600} role="status">
        {importSummary(job)}
      </Text>
      <Text size="sm" c="dimmed">
        <Time at={job.created_at} />
      </Text>
      {!hasEnded && (
        <div className={classes.section}>
          <Progress value={job.progress} aria-label={t("Progress of the import")} />
          <Group gap="xs">
            <Text size="sm">
              {job.status === "pending"
                ? t("It waits for its turn. You may leave this page: it goes on.")
                : total_rows === null
                  ? t("{total} rows read. You may leave this page: it goes on.", { total: number(total) })
                  : t("{total} of {all} rows. You may leave this page: it goes on.", {
                      total: number(total),
                      all: number(total_rows),
                    })}
            </Text>
            <Cancel job={job} />
          </Group>
        </div>
      )}
      {job.error !== null && (
        <Text className={classes.error} role="alert" dir="auto">
          {job.error}
        </Text>
      )}
      {hasEnded && job.to_repair > 0 && <RepairList job={job} />}
      {hasEnded && job.rejected_file !== null && <Rejected job={job} />}
    </>
  );
}

function Cancel({ job }: { job: Import }) {
  const api = useApi();
  const cache = useQueryClient();
  const cancelling = useMutation({
    mutationFn: () => cancelImport(api, job.id),
    onSuccess: (cancelled) => cache.setQueryData(importQuery(api, job.id).queryKey, cancelled),
  });
  return (
    <>
      <Button variant="default" size="compact-sm" loading={cancelling.isPending} onClick={() => cancelling.mutate()}>
        {t("Cancel the import")}
      </Button>
      {cancelling.error && <ErrorPanel error={cancelling.error} />}
    </>
  );
}

function Rejected({ job }: { job: Import }) {
  const api = useApi();
  const kept = job.to_repair + job.repaired;
  const all = job.import_result.rejected + job.repaired;
  const saving = useMutation({
    mutationFn: async () => {
      const ending = job.import_result.format.kind === "xlsx" ? "xlsx" : "csv";
      if (job.rejected_file !== null) await saveFile(api, job.rejected_file, `rejected-${job.id}.${ending}`);
    },
  });
  return (
    <div className={classes.section}>
      {all > kept && (
        <Text size="sm">
          {t("{count} more rejected lines are only in the file: a list has room for 10,000 rows of ordinary length.", {
            count: number(all - kept),
          })}
        </Text>
      )}
      <div>
        <Button variant="default" loading={saving.isPending} onClick={() => saving.mutate()}>
          {job.repaired > 0
            ? t("Download all rejected lines, also those repaired since")
            : t("Download the rejected lines")}
        </Button>
      </div>
      {saving.error && <ErrorPanel error={saving.error} />}
    </div>
  );
}

function ToTable({ table }: { table: string }) {
  const org = useOrganization();
  const { app } = route.useParams();
  return (
    <Button renderRoot={(props) => <Link to="/$org/$app/tables/$table" params={{ org, app, table }} {...props} />}>
      {t("Open the table")}
    </Button>
  );
}

function Up() {
  const org = useOrganization();
  const { app, table } = route.useParams();
  return (
    <Anchor
      renderRoot={(props) => <Link to="/$org/$app/tables/$table/imports" params={{ org, app, table }} {...props} />}
    >
      {t("Imports of {table}", { table })}
    </Anchor>
  );
}
