import { Alert, Badge, Button, Group, Stack, Table, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { t } from "@/i18n";
import { ConfirmModal } from "@/ui/ConfirmModal";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { FormError } from "@/ui/FormError";
import { HelpLink, LoadingRows } from "@/ui/Page";
import { StateBadge } from "@/ui/StateBadge";
import { Time } from "@/ui/Time";
import { type Action, changeSchedule, deleteSchedule, type Schedule, schedulesQuery } from "../api";
import { written } from "../model/schedule";
import type { OpenSchedule } from "../routes";
import { Fault } from "./Fault";
import { NextTimes } from "./NextTimes";
import { ScheduleForm } from "./ScheduleForm";

type Props = {
  app: number;
  action: Action;
  canBuild: boolean;
  /** Which form is open: of a schedule by its id, or of a new one. */
  open: OpenSchedule | undefined;
  onOpen: (schedule: OpenSchedule | undefined) => void;
};

/** The schedules of an action: when each comes, what became of the last time, and a form for one. */
export function Schedules({ app, action, canBuild, open, onOpen }: Props) {
  const schedules = useQuery(schedulesQuery(useApi(), { app, action: action.id }));
  if (schedules.isPending) return <LoadingRows count={3} />;
  if (schedules.error) return <ErrorPanel error={schedules.error} onRetry={() => schedules.refetch()} />;
  const opened = schedules.data.find(({ id }) => id === open);
  const button = canBuild && <Button onClick={() => onOpen("new")}>{t("New schedule")}</Button>;
  return (
    <Stack gap="sm">
      {schedules.data.length === 0 ? (
        <EmptyState
          title={t("No schedule starts this action")}
          action={
            <Group>
              {button}
              <HelpLink page="/help/reference/runs" />
            </Group>
          }
        >
          {canBuild
            ? t("A schedule starts it by itself, for example every 15 minutes or on weekdays at nine.")
            : t("A schedule starts it by itself. Builders and owners of the organization set schedules.")}
        </EmptyState>
      ) : (
        <>
          <Table.ScrollContainer minWidth={640}>
            <Table verticalSpacing="sm">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t("Schedule")}</Table.Th>
                  <Table.Th>{t("When")}</Table.Th>
                  <Table.Th>{t("Next")}</Table.Th>
                  <Table.Th>{t("Last")}</Table.Th>
                  <Table.Td />
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {schedules.data.map((schedule) => (
                  <Row key={schedule.id} schedule={schedule} canBuild={canBuild} onEdit={() => onOpen(schedule.id)} />
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
          <Group>
            {button}
            <HelpLink page="/help/reference/runs" />
          </Group>
        </>
      )}
      {open !== undefined && open !== "new" && opened === undefined && (
        <Alert color="orange" variant="outline" title={t("There is no schedule {id}", { id: open })} />
      )}
      {canBuild && (open === "new" || opened !== undefined) && (
        <ScheduleForm app={app} action={action} schedule={opened} onClose={() => onOpen(undefined)} />
      )}
    </Stack>
  );
}

function Row({ schedule, canBuild, onEdit }: { schedule: Schedule; canBuild: boolean; onEdit: () => void }) {
  const api = useApi();
  const org = useOrganization();
  const cache = useQueryClient();
  const [isDeleting, setDeleting] = useState(false);
  const refresh = () => cache.invalidateQueries({ queryKey: ["schedules", schedule.action] });
  const switching = useMutation({
    mutationFn: () => changeSchedule(api, schedule, { is_enabled: !schedule.is_enabled }),
    onSettled: refresh,
  });
  return (
    <Table.Tr>
      <Table.Td>
        <bdi>{schedule.name}</bdi>{" "}
        {!schedule.is_enabled && (
          <Badge variant="outline" color="gray">
            {t("paused")}
          </Badge>
        )}
        <Text size="xs" c="dimmed">
          {t("runs as {name}", { name: schedule.changed_by ?? t("nobody") })}
        </Text>
      </Table.Td>
      <Table.Td>
        {schedule.words ?? t("can no longer be read")}
        <Text size="xs" c="dimmed">
          <code>{written(schedule.schedule)}</code> {schedule.timezone}
        </Text>
      </Table.Td>
      <Table.Td>
        {schedule.next_at === null ? (
          "–"
        ) : (
          <details>
            <summary>
              <Time at={schedule.next_at} />
            </summary>
            <NextTimes times={schedule.next_times} zone={schedule.timezone ?? "UTC"} />
          </details>
        )}
        {schedule.waiting_since !== null && <Text size="xs">{t("One run waits for the one that is going on.")}</Text>}
      </Table.Td>
      <Table.Td>
        {schedule.last_run === null ? (
          <Text size="sm">{t("never")}</Text>
        ) : (
          <Group gap="xs">
            {schedule.last_run.state !== null && <StateBadge state={schedule.last_run.state} />}
            <Link to="/$org/runs/$run" params={{ org, run: String(schedule.last_run.id) }}>
              {t("Run {id}", { id: schedule.last_run.id })}
            </Link>
          </Group>
        )}
        {schedule.paused_reason !== null && <Fault>{schedule.paused_reason}</Fault>}
        {schedule.last_error !== null && <Fault>{t("Not started: {reason}", { reason: schedule.last_error })}</Fault>}
        {schedule.last_skip_at !== null && (
          <Text size="xs" c="dimmed">
            {t("Passed over: {reason}", { reason: schedule.last_skip_reason ?? "" })}{" "}
            <Time at={schedule.last_skip_at} />
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        {canBuild && (
          <Group gap="xs" wrap="nowrap" justify="flex-end">
            <Button
              size="compact-sm"
              variant="default"
              loading={switching.isPending}
              onClick={() => switching.mutate()}
            >
              {schedule.is_enabled ? t("Pause") : t("Resume")}
            </Button>
            <Button size="compact-sm" variant="default" onClick={onEdit}>
              {t("Edit")}
            </Button>
            <Button size="compact-sm" variant="default" onClick={() => setDeleting(true)}>
              {t("Delete")}
            </Button>
          </Group>
        )}
        <FormError error={switching.error} />
        {isDeleting && (
          <ConfirmModal
            title={t("Delete the schedule {name}", { name: schedule.name })}
            doLabel={t("Delete schedule")}
            act={() => deleteSchedule(api, schedule).then(refresh)}
            onClose={() => setDeleting(false)}
          >
            <Text size="sm">{t("It starts nothing any more; the runs that it started stay.")}</Text>
          </ConfirmModal>
        )}
      </Table.Td>
    </Table.Tr>
  );
}
