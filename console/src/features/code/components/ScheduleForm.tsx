import { Alert, Button, Group, Modal, NativeSelect, Select, Stack, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useMemo, useState } from "react";
import { useApi } from "@/api/context";
import { ApiError } from "@/api/errors";
import { useFormDraft } from "@/api/use-draft";
import { useUserId } from "@/features/accounts";
import { t } from "@/i18n";
import { DraftNotice } from "@/ui/DraftNotice";
import { FormError } from "@/ui/FormError";
import {
  type Action,
  changeSchedule,
  createSchedule,
  previewQuery,
  type Schedule,
  type ScheduleDocument,
  type ScheduleValues,
} from "../api";
import { type Overlap, scheduleOf, startOf, type Typed, typedOf, type Way, ways } from "../model/schedule";
import { useInput } from "../model/use-input";
import { Fault } from "./Fault";
import { InputFields } from "./InputFields";
import { NextTimes } from "./NextTimes";

type Props = { app: number; action: Action; schedule: Schedule | undefined; onClose: () => void };

const wayNames: Record<Way, () => string> = {
  minutes: () => t("Every so many minutes"),
  hours: () => t("Every so many hours"),
  daily: () => t("Every day at"),
  weekdays: () => t("Monday to Friday at"),
  cron: () => t("As a cron expression"),
};
const overlapNames: Record<Overlap, () => string> = {
  skip: () => t("let the time pass"),
  queue_one: () => t("wait, then run once"),
  allow: () => t("run beside it"),
};
const overlaps: readonly Overlap[] = ["skip", "queue_one", "allow"];
const previewAfter = 300;

/** Sets or changes a schedule, and shows live when it would come. */
export function ScheduleForm({ app, action, schedule, onClose }: Props) {
  const api = useApi();
  const cache = useQueryClient();
  const start = useMemo(() => startOf(Intl.DateTimeFormat().resolvedOptions().timeZone), []);
  const [typed, setTyped] = useState<Typed>(() => (schedule === undefined ? start : typedOf(schedule.schedule, start)));
  const [name, setName] = useState(schedule?.name ?? "");
  const [fault, setFault] = useState<string | null>(null);
  const input = useInput(action.input_schema, schedule?.input);
  const [revision, setRevision] = useState(schedule?.revision ?? 0);
  const values = { name, typed, input: input.texts, revision };
  const draft = useFormDraft(useUserId(), `schedule/${action.id}/${schedule?.id ?? "new"}`, {
    values,
    apply: (kept) => {
      setName(kept.name);
      setTyped({ ...start, ...kept.typed });
      input.restore(kept.input);
      setRevision(kept.revision);
    },
  });
  const when = scheduleOf(typed);
  const saving = useMutation({
    mutationFn: (values: ScheduleValues) =>
      schedule === undefined
        ? createSchedule(api, { app, action: action.id }, values)
        : changeSchedule(api, schedule, values),
    onSuccess: () => {
      draft.done();
      onClose();
    },
    onSettled: () => cache.invalidateQueries({ queryKey: ["schedules", action.id] }),
  });
  const isStale = saving.error instanceof ApiError && saving.error.code === "stale_version";
  const type = (change: Partial<Typed>) => setTyped((before) => ({ ...before, ...change }));
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    const read = input.read();
    setFault(name.trim() === "" ? t("Give the schedule a name.") : null);
    if (read !== null && when !== null && name.trim() !== "")
      saving.mutate({ name: name.trim(), schedule: when, input: read });
  };
  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      title={schedule === undefined ? t("New schedule") : t("Change the schedule {name}", { name: schedule.name })}
    >
      <form
        onSubmit={onSubmit}
        noValidate
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) onSubmit(event);
        }}
      >
        <DraftNotice resumedAt={draft.resumedAt} onDiscard={draft.discard}>
          {schedule !== undefined &&
            revision !== schedule.revision &&
            t("Somebody has changed the schedule since then: it is now {words}.", { words: schedule.words ?? "" })}
        </DraftNotice>
        <Stack gap="sm">
          <TextInput
            label={t("Name")}
            description={t("For example Nightly import")}
            value={name}
            error={fault}
            maxLength={100}
            data-autofocus
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <When typed={typed} onType={type} />
          <Preview app={app} action={action.id} schedule={when} />
          <NativeSelect
            label={t("When a run of it is still going on")}
            data={overlaps.map((value) => ({ value, label: overlapNames[value]() }))}
            value={typed.overlap}
            onChange={(event) => {
              const next = overlaps.find((known) => known === event.currentTarget.value);
              if (next !== undefined) type({ overlap: next });
            }}
          />
          <InputFields input={input} />
          {isStale ? (
            <Alert color="orange" variant="outline" title={t("Somebody has changed it meanwhile")}>
              {t("It is now {words}. Save again to have yours instead.", { words: schedule?.words ?? "" })}
            </Alert>
          ) : (
            <FormError error={saving.error} />
          )}
          <Group>
            <Button type="submit" loading={saving.isPending} disabled={when === null}>
              {schedule === undefined ? t("Create schedule") : t("Save")}
            </Button>
            <Button
              variant="default"
              onClick={() => {
                draft.done();
                onClose();
              }}
            >
              {t("Cancel")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function When({ typed, onType }: { typed: Typed; onType: (change: Partial<Typed>) => void }) {
  const zones = useMemo(() => [...new Set(["UTC", ...Intl.supportedValuesOf("timeZone"), typed.timezone])], [typed]);
  const hasClock = typed.way === "daily" || typed.way === "weekdays" || typed.way === "cron";
  return (
    <>
      <Group grow align="flex-start" preventGrowOverflow={false}>
        <NativeSelect
          label={t("When")}
          data={ways.map((value) => ({ value, label: wayNames[value]() }))}
          value={typed.way}
          onChange={(event) => {
            const next = ways.find((known) => known === event.currentTarget.value);
            if (next !== undefined) onType({ way: next });
          }}
        />
        {typed.way === "minutes" && (
          <TextInput
            label={t("Minutes")}
            inputMode="numeric"
            value={typed.minutes}
            onChange={(event) => onType({ minutes: event.currentTarget.value })}
          />
        )}
        {typed.way === "hours" && (
          <TextInput
            label={t("Hours")}
            inputMode="decimal"
            value={typed.hours}
            onChange={(event) => onType({ hours: event.currentTarget.value })}
          />
        )}
        {(typed.way === "daily" || typed.way === "weekdays") && (
          <TextInput
            label={t("Time")}
            type="time"
            value={typed.time}
            onChange={(event) => onType({ time: event.currentTarget.value })}
          />
        )}
        {typed.way === "cron" && (
          <TextInput
            label={t("Cron expression")}
            description={t("Minute, hour, day, month, day of the week; or @daily, @every 15m")}
            value={typed.cron}
            maxLength={100}
            onChange={(event) => onType({ cron: event.currentTarget.value })}
          />
        )}
      </Group>
      {hasClock && (
        <Select
          label={t("Time zone")}
          searchable
          data={zones}
          value={typed.timezone}
          allowDeselect={false}
          onChange={(zone) => zone !== null && onType({ timezone: zone })}
        />
      )}
    </>
  );
}

function Preview({ app, action, schedule }: { app: number; action: number; schedule: ScheduleDocument | null }) {
  const api = useApi();
  const [settled] = useDebouncedValue(JSON.stringify(schedule), previewAfter);
  const asked = useMemo((): ScheduleDocument | null => JSON.parse(settled), [settled]);
  const preview = useQuery({
    ...previewQuery(api, { app, action }, asked ?? {}),
    enabled: asked !== null,
    placeholderData: (before) => before,
  });
  if (schedule === null) return <Fault>{t("Say when: for example 15, or 09:00.")}</Fault>;
  if (preview.error) return <FormError error={preview.error} />;
  if (preview.data === undefined) return null;
  const { words, timezone, next_times, warnings } = preview.data;
  return (
    <section aria-label={t("When it comes")}>
      <Stack gap="xs">
        <strong>{words}</strong>
        <NextTimes times={next_times} zone={timezone} />
        {warnings.length > 0 && (
          <Alert color="orange" variant="outline" title={t("Changes of the clock")}>
            <ul>
              {warnings.map((warning) => (
                <li key={warning}>{warning}</li>
              ))}
            </ul>
          </Alert>
        )}
      </Stack>
    </section>
  );
}
