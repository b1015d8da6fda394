import { Group, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useEffect, useMemo } from "react";
import { useOrganization } from "@/api/context";
import { t } from "@/i18n";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows } from "@/ui/Page";
import { StateBadge } from "@/ui/StateBadge";
import { Time } from "@/ui/Time";
import type { Cause, RunFilters } from "../model/filters";
import classes from "./RecentRuns.module.css";
import { useRunList } from "./useRunList";
import { causeLabel } from "./words";

type Props = {
  app: string;
  /** Without it: the runs of all actions, each with its name. */
  action?: number;
  /** Without them: however they were begun. */
  causes?: readonly Cause[];
  /** Called when a run has come or changed. */
  onChange?: () => void;
};

const shown = 5;
const anyCause: readonly Cause[] = [];

/** The newest runs of an app or an action, live. */
export function RecentRuns({ app, action, causes = anyCause, onChange }: Props) {
  const org = useOrganization();
  const scope = useMemo(() => ({ app }), [app]);
  const cause = causes.join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the same words are the same filters
  const filters = useMemo<RunFilters>(
    () => ({ ...(action === undefined ? {} : { action }), ...(causes.length === 0 ? {} : { cause: [...causes] }) }),
    [action, cause],
  );
  const { runs, fresh, showFresh, error, streamError, isPending, refetch } = useRunList(scope, filters);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is new is shown as it comes
  useEffect(() => {
    if (fresh.length > 0) showFresh();
  }, [fresh]);
  const state = runs.map((run) => `${run.id} ${run.state}`).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: only runs that have changed are a change
  useEffect(() => onChange?.(), [state]);
  const failed = error ?? streamError;
  if (failed !== null && failed !== undefined) return <ErrorPanel error={failed} onRetry={() => refetch()} />;
  if (isPending) return <LoadingRows count={2} />;
  if (runs.length === 0) return <Text c="dimmed">{t("None yet.")}</Text>;
  return (
    <ul className={classes.list}>
      {runs.slice(0, shown).map((run) => (
        <li key={run.id}>
          <Group gap="sm">
            <StateBadge state={run.state} />
            <Link to="/$org/runs/$run" params={{ org, run: String(run.id) }}>
              {action === undefined ? (
                <>
                  <bdi>{run.names?.action ?? t("deleted action")}</bdi> #{run.id}
                </>
              ) : (
                t("Run {id}", { id: run.id })
              )}
            </Link>
            <Text size="sm" c="dimmed">
              {run.names?.schedule === null || run.names === null ? (
                causeLabel(run.begun_by)
              ) : (
                <bdi>{run.names.schedule}</bdi>
              )}
            </Text>
            <Text size="sm" c="dimmed">
              <Time at={run.created_at} />
            </Text>
          </Group>
        </li>
      ))}
    </ul>
  );
}
