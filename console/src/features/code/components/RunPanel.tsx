import { Anchor, Button, Group, Kbd, Menu, NativeSelect, Pill, Stack, Text } from "@mantine/core";
import IconHistory from "@tabler/icons-react/icons/IconHistory";
import IconPlayerPlay from "@tabler/icons-react/icons/IconPlayerPlay";
import { useQuery } from "@tanstack/react-query";
import { Link, useLocation } from "@tanstack/react-router";
import { type FormEvent, type Ref, useEffect, useImperativeHandle, useRef, useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { useFormDraft } from "@/api/use-draft";
import { useUserId } from "@/features/accounts";
import { t } from "@/i18n";
import { appRoute } from "@/routing/routes";
import { AsCode } from "@/ui/AsCode";
import { DraftNotice } from "@/ui/DraftNotice";
import { FormError } from "@/ui/FormError";
import { Time } from "@/ui/Time";
import { type Action, lastInputsQuery } from "../api";
import { isRecord } from "../model/inputs";
import { inputOfRows, selectedRowsOf } from "../model/selected-rows";
import { runSnippets } from "../model/snippets";
import { useInput } from "../model/use-input";
import { InputFields } from "./InputFields";
import classes from "./RunPanel.module.css";

export type RunPanelHandle = { run: () => void };
/** Which source a run executes. */
export type RunOf = "saved" | "draft";

type Props = {
  ref?: Ref<RunPanelHandle>;
  actions: readonly Action[];
  action: Action;
  /** The saved version that is edited. */
  version: number;
  isDirty: boolean;
  /** Whether the person may save, and so run what is not saved. */
  canBuild: boolean;
  isStarting: boolean;
  error: unknown;
  onChoose: (action: number) => void;
  /** Starts a run, with the ids of rows that were selected for it. */
  onRun: (input: Record<string, unknown>, of: RunOf, rows: readonly string[]) => void;
};

/** Runs an action: a form from its input schema, or JSON where it has none, and the last inputs. */
export function RunPanel({ ref, actions, action, onChoose, onRun, ...props }: Props) {
  const { version, isDirty, canBuild, isStarting, error } = props;
  const given = useLocation({ select: ({ state }) => selectedRowsOf(state) });
  const [rows, setRows] = useState(given);
  const input = useInput(action.input_schema, inputOfRows(action.input_schema, rows));
  // Rows that were brought here are an input of their own.
  const draft = useFormDraft(useUserId(), rows === null ? `run/${action.id}` : null, {
    values: input.texts,
    apply: input.restore,
  });
  const wasStarting = useRef(false);
  useEffect(() => {
    if (wasStarting.current && !isStarting && error === null) draft.done();
    wasStarting.current = isStarting;
  });
  const org = useOrganization();
  const { app } = appRoute.useParams();
  const run = (of: RunOf) => {
    if (isStarting) return;
    const read = input.read();
    if (read !== null) onRun(read, of, rows?.ids ?? []);
  };
  const asCode = () =>
    runSnippets({
      origin: window.location.origin,
      organization: org,
      app: action.app,
      action,
      input: input.read() ?? {},
      rows: rows?.ids ?? [],
    });
  useImperativeHandle(ref, () => ({ run: () => run("saved") }));
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    run("saved");
  };
  return (
    <form
      className={classes.panel}
      onSubmit={onSubmit}
      noValidate
      aria-label={t("Run")}
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) onSubmit(event);
      }}
    >
      <Stack gap="sm">
        {actions.length > 1 ? (
          <NativeSelect
            label={t("Action")}
            data={actions.map(({ id, name }) => ({ value: String(id), label: name }))}
            value={String(action.id)}
            onChange={(event) => onChoose(Number(event.currentTarget.value))}
          />
        ) : (
          <h2 className={classes.name}>
            <bdi>{action.name}</bdi>
          </h2>
        )}
        {rows !== null && (
          <Pill
            withRemoveButton
            removeButtonProps={{ "aria-label": t("Run without the rows") }}
            onRemove={() => setRows(null)}
          >
            {t("{count, plural, one {# selected row} other {# selected rows}} of {table}", {
              count: rows.ids.length,
              table: rows.table,
            })}
          </Pill>
        )}
        <DraftNotice resumedAt={draft.resumedAt} onDiscard={draft.discard} />
        <InputFields input={input} />
        <FormError error={error} />
        <Group gap="xs">
          <Button type="submit" loading={isStarting} leftSection={<IconPlayerPlay size={16} aria-hidden />}>
            {t("Run")}
          </Button>
          {isDirty && canBuild && (
            <Button variant="default" disabled={isStarting} onClick={() => run("draft")}>
              {t("Run the draft without saving")}
            </Button>
          )}
          <LastInputs action={action.id} onTake={input.take} />
          <AsCode title={t("Run this with a program")} snippets={asCode} />
        </Group>
        <Text size="xs" c="dimmed">
          {isDirty ? t("Saves first, then runs the new version.") : t("Runs v{version}.", { version })}{" "}
          <Kbd size="xs">Ctrl</Kbd> <Kbd size="xs">Enter</Kbd>
        </Text>
        <Anchor
          size="sm"
          renderRoot={(rest) => (
            <Link
              to="/$org/$app/actions/$action"
              params={{ org, app, action: action.slug }}
              search={{ tab: "triggers" }}
              {...rest}
            />
          )}
        >
          {t("Schedules and webhooks")}
        </Anchor>
      </Stack>
    </form>
  );
}

function LastInputs({ action, onTake }: { action: number; onTake: (input: Record<string, unknown>) => void }) {
  const [isOpen, setOpen] = useState(false);
  const last = useQuery({ ...lastInputsQuery(useApi(), action), enabled: isOpen });
  return (
    <Menu position="bottom-start" width={280} opened={isOpen} onChange={setOpen} withinPortal>
      <Menu.Target>
        <Button variant="default" leftSection={<IconHistory size={16} aria-hidden />}>
          {t("Last inputs")}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {last.isPending && <Menu.Label>{t("Loading")}</Menu.Label>}
        {last.error && <Menu.Label>{t("The last runs could not be read.")}</Menu.Label>}
        {last.data?.length === 0 && <Menu.Label>{t("It has not run yet.")}</Menu.Label>}
        {last.data?.map((run) => {
          const input = isRecord(run.event.user_input) ? run.event.user_input : {};
          return (
            <Menu.Item key={run.id} onClick={() => onTake(input)}>
              <Text size="sm" truncate>
                #{run.number} {JSON.stringify(input)}
              </Text>
              <Text size="xs" c="dimmed">
                {run.status}, <Time at={run.created_at} /> {run.is_draft && t("draft")}
              </Text>
            </Menu.Item>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}
