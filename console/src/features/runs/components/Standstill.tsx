import { Code, Group, Text } from "@mantine/core";
import IconHourglass from "@tabler/icons-react/icons/IconHourglass";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useApi, useOrganization } from "@/api/context";
import { meQuery } from "@/features/accounts";
import { t } from "@/i18n";
import { CopyButton } from "@/ui/CopyButton";
import { Time } from "@/ui/Time";
import { secondsToNextLook, standstillOf } from "../model/queue";
import { type Queue, queueQuery } from "../queue";
import classes from "./Standstill.module.css";

const minPause = 1000;

type Props = {
  /** What is known of the runs that are shown: when it is another, the queue may be, too. */
  runs?: string;
};

/** Says, while a run waits, why nothing starts and what mends it. */
export function Standstill({ runs = "" }: Props) {
  const { queue, at } = useQueue(runs);
  const standstill = queue === undefined ? null : standstillOf(queue);
  return (
    <div role="status">
      {queue !== undefined && standstill !== null && (
        <section className={classes.notice} aria-label={t("Why nothing starts")}>
          <IconHourglass size={18} aria-hidden className={classes.icon} />
          <div>
            {standstill === "no_runner" ? <NoRunner queue={queue} at={at} /> : <AllBusy queue={queue} at={at} />}
          </div>
        </section>
      )}
    </div>
  );
}

type Told = { queue: Queue; at: number };

function NoRunner({ queue, at }: Told) {
  return (
    <>
      <Text fw={600}>{t("Nothing starts: no runner is there")}</Text>
      <Text size="sm">
        <Waits queue={queue} at={at} />{" "}
        {queue.last_runner_at !== null && (
          <>
            {t("A runner was last there")} <Time at={queue.last_runner_at} />.
          </>
        )}
      </Text>
      <Remedy command={`automio runner --server ${window.location.origin}`}>
        {(isOperator) =>
          isOperator
            ? t("Start one on any machine that reaches this address, with a runner token in RUNNER_TOKEN:")
            : t("Tell whoever operates this installation. What waits starts by itself when a runner is back.")
        }
      </Remedy>
    </>
  );
}

function AllBusy({ queue, at }: Told) {
  const org = useOrganization();
  const { busy, slots, busy_with_own: own } = queue;
  return (
    <>
      <Text fw={600}>{t("Nothing starts: {busy} of {slots} slots are busy", { busy, slots: slots ?? busy })}</Text>
      <Text size="sm">
        <Waits queue={queue} at={at} />
      </Text>
      <Text size="sm">
        {own === 0 ? (
          t("Runs of other organizations have them. Organizations take turns: the next free slot is yours.")
        ) : (
          <>
            {t("{own, plural, one {One slot has a run of yours} other {# slots have runs of yours}}.", { own })}{" "}
            <Link to="/$org/runs" params={{ org }} search={{ state: ["claimed", "running"] }}>
              {t("See what goes on")}
            </Link>{" "}
            {t("and cancel what you do not need; or wait until one ends.")}
          </>
        )}
      </Text>
      <Remedy command={`automio runner --server ${window.location.origin} --concurrency 8`}>
        {(isOperator) => isOperator && t("If that is often so, start another runner, or one with more slots:")}
      </Remedy>
    </>
  );
}

type RemedyProps = { command: string; children: (isOperator: boolean) => string | false };

/** What the reader can do: who operates the installation starts runners, others can tell them. */
function Remedy({ command, children }: RemedyProps) {
  const me = useQuery(meQuery(useApi())).data;
  if (me === undefined) return null;
  const isOperator = me.user.is_operator;
  const text = children(isOperator);
  if (text === false) return null;
  return (
    <>
      <Text size="sm">{text}</Text>
      {isOperator && (
        <Group gap="xs" mt={4}>
          <Code>{command}</Code>
          <CopyButton value={command} label={t("Copy the command")} />
          <Link to="/admin/health">{t("Health of the installation")}</Link>
        </Group>
      )}
    </>
  );
}

/** Says how many wait, and since when; by the clock of this page, whatever that of the server says. */
function Waits({ queue, at }: Told) {
  const since = new Date(at - (queue.oldest_waiting_seconds ?? 0) * 1000).toISOString();
  return (
    <>
      {t("{waiting, plural, one {# run waits; it was begun} other {# runs wait; the oldest was begun}}", {
        waiting: queue.waiting,
      })}{" "}
      <Time at={since} />.
    </>
  );
}

/** Reads the queue, and again when it may have changed: at most every second as runs do, or when time has passed. */
function useQueue(runs: string): { queue: Queue | undefined; at: number } {
  const { data, dataUpdatedAt, refetch } = useQuery(queueQuery(useApi()));
  const known = useRef(runs);
  const timer = useRef(0);
  useEffect(() => {
    if (known.current === runs || timer.current !== 0) return;
    timer.current = window.setTimeout(() => {
      timer.current = 0;
      void refetch();
    }, minPause);
    known.current = runs;
  }, [runs, refetch]);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each answer is looked at by itself
  useEffect(() => {
    const seconds = data === undefined ? null : secondsToNextLook(data);
    if (seconds === null) return;
    const next = window.setTimeout(() => void refetch(), seconds * 1000 + 100);
    return () => window.clearTimeout(next);
  }, [dataUpdatedAt]);
  return { queue: data, at: dataUpdatedAt };
}
