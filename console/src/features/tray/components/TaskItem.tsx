import { Anchor, Button, Group, Progress, Text } from "@mantine/core";
import type { Icon } from "@tabler/icons-react";
import IconAlertTriangle from "@tabler/icons-react/icons/IconAlertTriangle";
import IconCircleCheck from "@tabler/icons-react/icons/IconCircleCheck";
import IconCircleDashed from "@tabler/icons-react/icons/IconCircleDashed";
import IconCircleX from "@tabler/icons-react/icons/IconCircleX";
import IconPlayerPlay from "@tabler/icons-react/icons/IconPlayerPlay";
import IconPlayerStop from "@tabler/icons-react/icons/IconPlayerStop";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { MouseEvent } from "react";
import { useApi } from "@/api/context";
import { messageOf } from "@/api/errors";
import { saveFile } from "@/features/imports";
import { t } from "@/i18n";
import { Time } from "@/ui/Time";
import { cancelJob, type Job } from "../api";
import { isOpen, type Task, type TaskState } from "../model/tasks";
import classes from "./Tray.module.css";

const states: Record<TaskState, { icon: Icon; word: () => string }> = {
  waiting: { icon: IconCircleDashed as Icon, word: () => t("waiting") },
  running: { icon: IconPlayerPlay as Icon, word: () => t("running") },
  done: { icon: IconCircleCheck as Icon, word: () => t("completed") },
  repair: { icon: IconAlertTriangle as Icon, word: () => t("rows to repair") },
  failed: { icon: IconCircleX as Icon, word: () => t("failed") },
  cancelled: { icon: IconPlayerStop as Icon, word: () => t("cancelled") },
};

type Props = { task: Task; onLeave: () => void };

/** One task: what and where, how far, what became of it, and what can be done. */
export function TaskItem({ task, onLeave }: Props) {
  const navigate = useNavigate();
  const { icon: StateIcon, word } = states[task.state];
  const go = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    onLeave();
    void navigate({ href: task.href });
  };
  return (
    <li className={classes.item}>
      <span className={classes.state} data-state={task.state}>
        <StateIcon size={18} role="img" aria-label={word()} />
      </span>
      <div className={classes.body}>
        <Anchor href={task.href} onClick={go} className={classes.title}>
          <bdi>{task.title}</bdi>
        </Anchor>
        <Text size="xs" c="dimmed" className={classes.words}>
          <bdi>{task.place}</bdi> · <Time at={task.at} />
        </Text>
        <Bar task={task} />
        <Group gap="xs">
          <Text size="sm" className={classes.words} dir="auto">
            {task.words}
          </Text>
          {task.state === "repair" && (
            <Anchor href={task.href} onClick={go} size="sm">
              {t("Repair them")}
            </Anchor>
          )}
          {isOpen(task) && <Cancel task={task} />}
          {task.job !== undefined && task.job.file !== null && <Download job={task.job} path={task.job.file} />}
        </Group>
      </div>
    </li>
  );
}

function Bar({ task }: { task: Task }) {
  const label = t("Progress of {title}", { title: task.title });
  if (task.tab?.partKey !== undefined && isOpen(task)) return <TabBar partKey={task.tab.partKey} label={label} />;
  return task.progress === null ? null : <Progress value={task.progress} aria-label={label} my={4} />;
}

function TabBar({ partKey, label }: { partKey: readonly unknown[]; label: string }) {
  const part = useQuery({ queryKey: partKey, queryFn: () => 0, initialData: 0, staleTime: "static" }).data;
  return <Progress value={Math.floor(part * 100)} aria-label={label} my={4} />;
}

function Cancel({ task }: { task: Task }) {
  const api = useApi();
  const cache = useQueryClient();
  const { job, tab } = task;
  const cancelling = useMutation({
    mutationFn: async () => {
      if (job !== undefined) await cancelJob(api, job);
      tab?.cancel?.();
    },
    onSettled: () => cache.invalidateQueries({ queryKey: ["own jobs"] }),
  });
  if (job === undefined ? tab?.cancel === undefined : job.is_cancelled) return null;
  return (
    <>
      <Button
        variant="default"
        size="compact-xs"
        loading={cancelling.isPending}
        aria-label={t("Cancel: {title}", { title: task.title })}
        onClick={() => cancelling.mutate()}
      >
        {t("Cancel")}
      </Button>
      <Fault error={cancelling.error} />
    </>
  );
}

function Download({ job, path }: { job: Job; path: string }) {
  const api = useApi();
  const saving = useMutation({
    mutationFn: () => saveFile(api, path, `${job.table}-${job.id}.${job.format ?? "csv"}`),
  });
  return (
    <>
      <Button
        variant="default"
        size="compact-xs"
        loading={saving.isPending}
        aria-label={t("Download the export of {table}", { table: job.table })}
        onClick={() => saving.mutate()}
      >
        {t("Download")}
      </Button>
      <Fault error={saving.error} />
    </>
  );
}

function Fault({ error }: { error: unknown }) {
  if (error === null) return null;
  return (
    <Text size="sm" role="alert" className={classes.fault}>
      {messageOf(error)}
    </Text>
  );
}
