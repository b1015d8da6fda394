import { Button, Group, Text, VisuallyHidden } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { memo, useCallback, useMemo, useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { type Command, useCommands } from "@/commands/registry";
import { t } from "@/i18n";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { RowCheckbox } from "@/ui/RowCheckbox";
import { StateBadge } from "@/ui/StateBadge";
import { Time } from "@/ui/Time";
import { cancelRuns, type Run, rerunRuns } from "../api";
import classes from "./RunsScreen.module.css";
import { Took } from "./Took";
import { causeLabel } from "./words";

/** Shows runs as rows; some can be chosen to cancel or repeat them. */
export function RunTable({ runs, showsApp }: { runs: readonly Run[]; showsApp: boolean }) {
  const org = useOrganization();
  const navigate = useNavigate();
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const [active, setActive] = useState<number | null>(null);
  const { act, refusals, error, isPending } = useActions(() => setChosen(new Set()));
  const toggle = useCallback((id: number) => setChosen((before) => toggled(before, id)), []);
  const commands = useMemo<Command[]>(() => {
    const group = t("Runs");
    const index = runs.findIndex(({ id }) => id === active);
    const move = (step: number) => {
      const next = runs[Math.min(Math.max(index + step, 0), runs.length - 1)];
      if (next === undefined) return;
      setActive(next.id);
      document.getElementById(`run-${next.id}`)?.scrollIntoView({ block: "nearest" });
    };
    const about = [...chosen].length > 0 ? [...chosen] : active === null ? [] : [active];
    return [
      { id: "next run", title: t("Next run"), group, keys: "j", run: () => move(1) },
      { id: "previous run", title: t("Previous run"), group, keys: "k", run: () => move(-1) },
      {
        id: "open run",
        title: t("Open the run"),
        group,
        keys: "enter",
        run: () => active !== null && navigate({ to: "/$org/runs/$run", params: { org, run: String(active) } }),
      },
      { id: "choose run", title: t("Choose the run"), group, keys: "x", run: () => active !== null && toggle(active) },
      { id: "cancel runs", title: t("Cancel"), group, keys: "c", run: () => act("cancel", about) },
      { id: "repeat runs", title: t("Run again"), group, keys: "r", run: () => act("same", about) },
    ];
  }, [runs, active, chosen, org, navigate, act, toggle]);
  useCommands(commands);
  return (
    <>
      {chosen.size > 0 && (
        <Group gap="xs" mb="xs">
          <Text size="sm">{t("{count} chosen", { count: chosen.size })}</Text>
          <Button size="compact-sm" variant="default" loading={isPending} onClick={() => act("same", [...chosen])}>
            {t("Run again, same version")}
          </Button>
          <Button size="compact-sm" variant="default" loading={isPending} onClick={() => act("latest", [...chosen])}>
            {t("Run again, newest version")}
          </Button>
          <Button size="compact-sm" variant="default" loading={isPending} onClick={() => act("cancel", [...chosen])}>
            {t("Cancel")}
          </Button>
        </Group>
      )}
      {error !== null && <ErrorPanel error={error} />}
      <div role="alert">
        {refusals.map((refusal) => (
          <Text key={refusal} size="sm" className={classes.error}>
            {refusal}
          </Text>
        ))}
      </div>
      <table className={classes.table}>
        <caption>
          <VisuallyHidden>{t("Runs, newest first")}</VisuallyHidden>
        </caption>
        <thead>
          <tr>
            <th className={classes.check}>
              <RowCheckbox
                label={t("Choose all that are shown")}
                isChecked={runs.length > 0 && chosen.size === runs.length}
                isPartly={chosen.size > 0 && chosen.size < runs.length}
                onToggle={() => setChosen(chosen.size === runs.length ? new Set() : new Set(runs.map(({ id }) => id)))}
              />
            </th>
            <th className={classes.state}>{t("State")}</th>
            <th>{t("Action")}</th>
            {showsApp && <th className={classes.optional}>{t("App")}</th>}
            <th className={classes.optional}>{t("Begun")}</th>
            <th className={`${classes.time} ${classes.wide}`}>{t("When")}</th>
            <th className={`${classes.took} ${classes.wide}`}>{t("Took")}</th>
            <th>{t("What happened")}</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <Row
              key={run.id}
              run={run}
              org={org}
              showsApp={showsApp}
              isActive={run.id === active}
              isChosen={chosen.has(run.id)}
              onActive={setActive}
              onToggle={toggle}
            />
          ))}
        </tbody>
      </table>
    </>
  );
}

type RowProps = {
  run: Run;
  org: string;
  showsApp: boolean;
  isActive: boolean;
  isChosen: boolean;
  onActive: (id: number) => void;
  onToggle: (id: number) => void;
};

/** One of many: what changes in another row draws nothing here. */
const Row = memo(function Row({ run, org, showsApp, isActive, isChosen, onActive, onToggle }: RowProps) {
  return (
    <tr id={`run-${run.id}`} data-active={isActive || undefined}>
      <td>
        <RowCheckbox
          label={t("Choose run {id}", { id: run.id })}
          isChecked={isChosen}
          onToggle={() => onToggle(run.id)}
        />
      </td>
      <td>
        <StateBadge state={run.state} />
      </td>
      <td>
        <Link to="/$org/runs/$run" params={{ org, run: String(run.id) }} onFocus={() => onActive(run.id)}>
          <bdi>{run.names?.action ?? t("deleted action")}</bdi> <span className={classes.muted}>#{run.id}</span>
          {run.is_draft && <span className={classes.muted}> {t("draft")}</span>}
        </Link>
      </td>
      {showsApp && (
        <td className={classes.optional}>
          <bdi>{run.names?.app}</bdi>
        </td>
      )}
      <td className={classes.optional}>
        {causeLabel(run.begun_by)} <bdi className={classes.muted}>{run.names?.schedule ?? run.names?.user}</bdi>
      </td>
      <td className={classes.wide}>
        <Time at={run.created_at} />
      </td>
      <td className={`${classes.took} ${classes.wide}`}>
        <Took run={run} />
      </td>
      <td title={happened(run)}>
        <span className={run.error === null ? classes.muted : classes.error}>{happened(run)}</span>
      </td>
    </tr>
  );
});

function toggled(chosen: ReadonlySet<number>, id: number): ReadonlySet<number> {
  const next = new Set(chosen);
  if (!next.delete(id)) next.add(id);
  return next;
}

function happened(run: Run): string {
  if (run.error !== null) return run.error.split("\n").filter(Boolean).at(-1) ?? "";
  if (run.waiting_reason !== null) return run.waiting_reason;
  return [run.progress === null ? "" : `${run.progress} %`, run.info ?? ""].filter(Boolean).join(" · ");
}

function useActions(onDone: () => void) {
  const api = useApi();
  const doing = useMutation({
    mutationFn: async ({ what, runs }: { what: "cancel" | "same" | "latest"; runs: number[] }) => {
      if (runs.length === 0) return [];
      if (what === "cancel") return cancelRuns(api, runs);
      const results = await rerunRuns(api, runs, what);
      return results.flatMap(({ run, error }) => (error === null ? [] : [`${run}: ${error}`]));
    },
    onSuccess: onDone,
  });
  const { mutate } = doing;
  const act = useMemo(() => (what: "cancel" | "same" | "latest", runs: number[]) => mutate({ what, runs }), [mutate]);
  return { act, refusals: doing.data ?? [], error: doing.error, isPending: doing.isPending };
}
