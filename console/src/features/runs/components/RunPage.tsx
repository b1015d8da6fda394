import { Button, Group, Progress, Tabs, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useApi, useOrganization } from "@/api/context";
import { t } from "@/i18n";
import { AsCode } from "@/ui/AsCode";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows, Page } from "@/ui/Page";
import { StateBadge } from "@/ui/StateBadge";
import { Time } from "@/ui/Time";
import { cancelRuns, type RunDetail, rerunRuns, runQuery } from "../api";
import { runSnippets } from "../model/snippets";
import { type RunTab, runTabs } from "../model/tabs";
import { Calls } from "./Calls";
import { Output } from "./Output";
import { Result } from "./Result";
import { RunInput } from "./RunInput";
import classes from "./RunPage.module.css";
import { Standstill } from "./Standstill";
import { Timeline } from "./Timeline";
import { Took } from "./Took";
import { useRunEvents } from "./useRunEvents";
import { causeLabel } from "./words";

const route = getRouteApi("/$org/runs/$run");
const labels: Record<RunTab, () => string> = {
  timeline: () => t("Timeline"),
  output: () => t("Output"),
  result: () => t("Result"),
  calls: () => t("Calls"),
  input: () => t("Input"),
};

/** One run: how it stands, what it wrote, what came of it. */
export function RunPage() {
  const { run: id } = route.useParams();
  const run = useQuery(runQuery(useApi(), Number(id)));
  if (run.data) return <Shown key={run.data.id} run={run.data} />;
  return (
    <Page help="/help/reference/runs" asCode={null} title={t("Run {id}", { id })} breadcrumb={<Up />}>
      {run.error ? <ErrorPanel error={run.error} onRetry={() => run.refetch()} /> : <LoadingRows />}
    </Page>
  );
}

function Shown({ run }: { run: RunDetail }) {
  const { tab = "output" } = route.useSearch();
  const navigate = route.useNavigate();
  const events = useRunEvents(run);
  const open = (id: number) => navigate({ params: (before) => ({ ...before, run: String(id) }), search: {} });
  const progress = events.progress ?? run.progress;
  const info = events.info ?? run.info;
  return (
    <Page
      help="/help/reference/runs"
      asCode={<AsCode title={t("Read this run with a program")} snippets={() => runSnippets(run.id)} />}
      title={`${run.names?.action ?? t("Run")} #${run.id}`}
      breadcrumb={<Up />}
      state={<StateBadge state={run.state} />}
      actions={<Actions run={run} />}
      tabs={
        <Tabs
          value={tab}
          onChange={(value) =>
            navigate({ search: { tab: runTabs.find((known) => known === value) ?? "output" }, replace: true })
          }
          className={classes.tabs}
        >
          <Tabs.List>
            {runTabs.map((name) => (
              <Tabs.Tab key={name} value={name} id={`tab-${name}`} aria-controls="run-panel">
                {labels[name]()}
              </Tabs.Tab>
            ))}
          </Tabs.List>
        </Tabs>
      }
    >
      <div id="run-panel" role="tabpanel" aria-labelledby={`tab-${tab}`} className={classes.panel}>
        <dl className={classes.facts}>
          <Fact name={t("App")}>
            <bdi>{run.names?.app}</bdi>
          </Fact>
          <Fact name={t("Begun")}>
            {causeLabel(run.begun_by)} <bdi>{run.names?.user}</bdi>
          </Fact>
          {run.schedule !== null && (
            <Fact name={t("Schedule")}>
              <bdi>{run.names?.schedule ?? t("deleted")}</bdi>
            </Fact>
          )}
          {run.is_draft && <Fact name={t("Source")}>{t("a draft that was not saved")}</Fact>}
          <Fact name={t("When")}>
            <Time at={run.created_at} />
          </Fact>
          <Fact name={t("Took")}>{run.started_at === null ? "–" : <Took run={run} />}</Fact>
          {run.cause !== null && <Fact name={t("Ended by")}>{run.cause.replaceAll("_", " ")}</Fact>}
          {run.rerun_of !== null && (
            <Fact name={t("Repeats")}>
              <RunLink id={run.rerun_of} />
            </Fact>
          )}
          {run.started_by_run !== null && (
            <Fact name={t("Started by")}>
              <RunLink id={run.started_by_run} />
            </Fact>
          )}
        </dl>
        {run.waiting_reason !== null && (
          <Text size="sm">{t("It waits: {reason}", { reason: run.waiting_reason })}</Text>
        )}
        {run.state === "pending" && <Standstill />}
        {run.state === "running" && progress !== null && (
          <div className={classes.progress}>
            <Progress value={progress} aria-label={t("Progress")} />
            <Text size="sm">
              {progress} % {info}
            </Text>
          </div>
        )}
        {run.error !== null && <pre className={classes.error}>{run.error}</pre>}
        {tab === "output" && <Output log={events.log} error={events.error} run={run} />}
        {tab === "timeline" && <Timeline run={run} />}
        {tab === "result" && <Result run={run} />}
        {tab === "calls" && <Calls run={run} />}
        {tab === "input" && <RunInput run={run} onRun={open} />}
      </div>
    </Page>
  );
}

function Actions({ run }: { run: RunDetail }) {
  const api = useApi();
  const cache = useQueryClient();
  const navigate = route.useNavigate();
  const hasEnded = run.finished_at !== null;
  const cancelling = useMutation({
    mutationFn: () => cancelRuns(api, [run.id]),
    onSuccess: () => cache.invalidateQueries({ queryKey: ["run", run.id] }),
  });
  const repeating = useMutation({
    mutationFn: (version: "same" | "latest") => rerunRuns(api, [run.id], version),
    onSuccess: ([result]) => {
      if (result?.new_run)
        navigate({ params: (before) => ({ ...before, run: String(result.new_run?.run_id) }), search: {} });
    },
  });
  const refusal = cancelling.data?.[0] ?? repeating.data?.[0]?.error ?? null;
  return (
    <>
      {refusal !== null && (
        <Text size="sm" className={classes.refusal} role="alert">
          {refusal}
        </Text>
      )}
      {hasEnded ? (
        <Group gap="xs">
          <Button variant="default" loading={repeating.isPending} onClick={() => repeating.mutate("same")}>
            {run.is_draft ? t("Run the draft again") : t("Run again")}
          </Button>
          <Button loading={repeating.isPending} onClick={() => repeating.mutate("latest")}>
            {t("Run newest version")}
          </Button>
        </Group>
      ) : (
        <Button
          variant="default"
          loading={cancelling.isPending}
          disabled={run.cancel_requested_at !== null}
          onClick={() => cancelling.mutate()}
        >
          {run.cancel_requested_at === null ? t("Cancel") : t("Is being cancelled")}
        </Button>
      )}
    </>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function RunLink({ id }: { id: number }) {
  const org = useOrganization();
  return (
    <Link to="/$org/runs/$run" params={{ org, run: String(id) }}>
      #{id}
    </Link>
  );
}

function Up() {
  const org = useOrganization();
  return (
    <Link to="/$org/runs" params={{ org }} className={classes.up}>
      {t("Runs")}
    </Link>
  );
}
