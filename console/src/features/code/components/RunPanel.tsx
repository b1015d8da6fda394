import {
  Button,
  Checkbox,
  Group,
  Kbd,
  Menu,
  NativeSelect,
  Select,
  Stack,
  Text,
  Textarea,
  TextInput,
} from "@mantine/core";
import IconHistory from "@tabler/icons-react/icons/IconHistory";
import IconPlayerPlay from "@tabler/icons-react/icons/IconPlayerPlay";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, type Ref, useImperativeHandle, useState } from "react";
import { useApi } from "@/api/context";
import { t } from "@/i18n";
import { FormError } from "@/ui/FormError";
import { Time } from "@/ui/Time";
import { type Action, lastInputsQuery } from "../api";
import { asTyped, type Field, fieldsOf, isRecord, readFields, readJson } from "../model/inputs";
import classes from "./RunPanel.module.css";

export type RunPanelHandle = { run: () => void };

type Props = {
  ref?: Ref<RunPanelHandle>;
  actions: readonly Action[];
  action: Action;
  /** The saved version that is edited. */
  version: number;
  isDirty: boolean;
  isStarting: boolean;
  error: unknown;
  onChoose: (action: number) => void;
  onRun: (input: Record<string, unknown>) => void;
};

/** Runs an action: a form from its input schema, or JSON where it has none, and the last inputs. */
export function RunPanel({ ref, actions, action, version, isDirty, isStarting, error, onChoose, onRun }: Props) {
  const fields = fieldsOf(action.input_schema);
  const [typed, setTyped] = useState<Record<string, string>>({});
  const [json, setJson] = useState("");
  const [faults, setFaults] = useState<Record<string, string>>({});
  const run = () => {
    if (isStarting) return;
    if (fields === null) {
      const input = readJson(json);
      setFaults(typeof input === "string" ? { json: input } : {});
      if (typeof input !== "string") onRun(input);
      return;
    }
    const { input, faults: found } = readFields(fields, typed);
    setFaults(found);
    if (Object.keys(found).length === 0) onRun(input);
  };
  useImperativeHandle(ref, () => ({ run }));
  const take = (input: Record<string, unknown>) => {
    setFaults({});
    setJson(Object.keys(input).length === 0 ? "" : JSON.stringify(input, null, 2));
    setTyped(Object.fromEntries((fields ?? []).map(({ name, kind }) => [name, asTyped(input[name], kind)])));
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    run();
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
        {fields?.map((field) => (
          <Input
            key={field.name}
            field={field}
            value={typed[field.name] ?? field.initial}
            fault={faults[field.name] ?? null}
            onChange={(value) => setTyped({ ...typed, [field.name]: value })}
          />
        ))}
        {fields === null && (
          <Textarea
            label={t("Input as JSON")}
            description={t("The script finds it in its event, under user_input.")}
            placeholder="{}"
            autosize
            minRows={3}
            maxRows={16}
            value={json}
            error={faults.json}
            classNames={{ input: classes.json ?? "" }}
            onChange={(event) => setJson(event.currentTarget.value)}
          />
        )}
        <FormError error={error} />
        <Group gap="xs">
          <Button type="submit" loading={isStarting} leftSection={<IconPlayerPlay size={16} aria-hidden />}>
            {t("Run")}
          </Button>
          <LastInputs action={action.id} onTake={take} />
        </Group>
        <Text size="xs" c="dimmed">
          {isDirty ? t("Saves first, then runs the new version.") : t("Runs v{version}.", { version })}{" "}
          <Kbd size="xs">Ctrl</Kbd> <Kbd size="xs">Enter</Kbd>
        </Text>
      </Stack>
    </form>
  );
}

type InputProps = { field: Field; value: string; fault: string | null; onChange: (value: string) => void };

function Input({ field, value, fault, onChange }: InputProps) {
  const shared = {
    label: field.label,
    description: field.description,
    required: field.isRequired,
    error: fault,
  };
  if (field.kind === "boolean") {
    return (
      <Checkbox
        label={field.label}
        description={field.description}
        checked={value === "true"}
        onChange={(event) => onChange(String(event.currentTarget.checked))}
      />
    );
  }
  if (field.kind === "choice") {
    return (
      <Select
        {...shared}
        data={field.choices}
        value={value || null}
        clearable
        onChange={(next) => onChange(next ?? "")}
      />
    );
  }
  if (field.kind === "json") {
    return (
      <Textarea
        {...shared}
        autosize
        minRows={2}
        maxRows={12}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    );
  }
  return (
    <TextInput
      {...shared}
      type={field.kind === "date" ? "date" : "text"}
      inputMode={field.kind === "text" || field.kind === "date" ? undefined : "decimal"}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
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
                {run.status}, <Time at={run.created_at} />
              </Text>
            </Menu.Item>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}
