import { Button, Group, Modal, NativeSelect, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ApiError } from "@/api/errors";
import {
  type Column,
  canDelete,
  type Editing,
  type GridStore,
  parse,
  type Row,
  say,
  type Value,
} from "@/features/grid";
import { locale, t } from "@/i18n";
import { FormError } from "@/ui/FormError";
import { number } from "@/ui/time";

/** Up to so many rows are read before they are changed, so that the change can be undone. */
const maxUndone = 5_000;

type ForAllProps = { store: GridStore; editing: Editing; columns: readonly Column[] };

/** Changes or deletes all rows that match the filter, on the server and in one go. */
export function ForAll({ store, editing, columns }: ForAllProps) {
  const [asking, setAsking] = useState<"change" | "delete" | null>(null);
  const close = () => setAsking(null);
  const common = { store, editing, onClose: close };
  const changeable = columns.filter(isChangeable);
  return (
    <>
      {changeable.length > 0 && (
        <Button size="compact-xs" variant="default" onClick={() => setAsking("change")}>
          {t("Change all …")}
        </Button>
      )}
      {canDelete(store.rows.table) && (
        <Button size="compact-xs" variant="default" onClick={() => setAsking("delete")}>
          {t("Delete all …")}
        </Button>
      )}
      {asking === "change" && <ChangeAll {...common} columns={changeable} />}
      {asking === "delete" && <DeleteAll {...common} />}
    </>
  );
}

type AllProps = { store: GridStore; editing: Editing; onClose: () => void };

function ChangeAll({ store, editing, columns, onClose }: AllProps & { columns: readonly Column[] }) {
  const [name, setName] = useState(columns[0]?.name ?? "");
  const [text, setText] = useState("");
  const [reason, setReason] = useState<string | null>(null);
  const column = columns.find((item) => item.name === name);
  const { count, acting } = useForAll(store, onClose, async (value: Value) => {
    const before = await readAll(store);
    const changes = before.map((row) => ({ id: row.id, column: name, before: row.values[name] ?? null, after: value }));
    const apply = () => store.rows.updateAll(store.where, { [name]: value }, count);
    const changed = await editing.applyElsewhere(apply, changes, []);
    sayDone(t("{count, plural, one {# row} other {# rows}} changed", { count: changed }), changes.length > 0);
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (column === undefined) return;
    const parsed =
      text === "" && column.isRequired ? { reason: t("This column must not be empty.") } : parse(text, column, locale);
    setReason("reason" in parsed ? parsed.reason : null);
    if (!("reason" in parsed)) acting.mutate(parsed.value);
  };
  return (
    <Modal opened onClose={onClose} title={t("Change all {count} rows that match", { count: number(count) })}>
      <form onSubmit={submit} noValidate>
        <Stack gap="sm">
          <NativeSelect
            label={t("Column")}
            data={columns.map((item) => item.name)}
            value={name}
            data-autofocus
            onChange={(event) => {
              setName(event.currentTarget.value);
              setText("");
              setReason(null);
            }}
          />
          {column !== undefined && <NewValue column={column} text={text} reason={reason} onText={setText} />}
          <NoUndo count={count} />
          <FormError error={acting.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {t("Cancel")}
            </Button>
            <Button type="submit" loading={acting.isPending}>
              {t("Change {count} rows", { count: number(count) })}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function DeleteAll({ store, editing, onClose }: AllProps) {
  const [typed, setTyped] = useState("");
  const { table } = store.rows;
  const { count, acting } = useForAll(store, onClose, async () => {
    const before = await readAll(store);
    const removed = await editing.applyElsewhere(() => store.rows.removeAll(store.where, count), [], before);
    sayDone(t("{count, plural, one {# row} other {# rows}} deleted", { count: removed }), before.length > 0);
  });
  const mustType = count > maxUndone;
  return (
    <Modal opened onClose={onClose} title={t("Delete all {count} rows that match?", { count: number(count) })}>
      <Stack gap="sm">
        <Text>{t("Rows that refer to them lose the reference, or prevent the deletion.")}</Text>
        <NoUndo count={count} />
        {mustType && (
          <TextInput
            label={t("Type {name} to delete them", { name: table.name })}
            value={typed}
            data-autofocus
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
        )}
        <FormError error={acting.error} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {t("Cancel")}
          </Button>
          <Button
            color="red.9"
            loading={acting.isPending}
            disabled={mustType && typed !== table.name}
            onClick={() => acting.mutate(undefined)}
          >
            {t("Delete {count} rows", { count: number(count) })}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

/** Runs `act` on as many rows as were shown; when others match by then, nothing happens and the new number is shown. */
function useForAll<T>(store: GridStore, onDone: () => void, act: (value: T) => Promise<void>) {
  const [count, setCount] = useState(store.window.length);
  const acting = useMutation({
    mutationFn: act,
    onSuccess: () => {
      onDone();
      store.reload();
    },
    onError: async (error) => {
      if (!(error instanceof ApiError) || error.code !== "stale_version") return;
      setCount((await store.rows.summary(store.where, [])).count);
    },
  });
  return { count, acting };
}

function NoUndo({ count }: { count: number }) {
  return (
    <Text size="sm" c="dimmed">
      {count > maxUndone
        ? t("More than {max} rows: this cannot be undone.", { max: number(maxUndone) })
        : t("Ctrl-Z takes it back.")}
    </Text>
  );
}

type NewValueProps = { column: Column; text: string; reason: string | null; onText: (text: string) => void };

function NewValue({ column, text, reason, onText }: NewValueProps) {
  const choices = column.type === "boolean" ? ["true", "false"] : column.choices;
  const common = { label: t("New value"), error: reason, value: text };
  if (choices.length > 0) {
    const data = [{ value: "", label: t("empty") }, ...choices.map((choice) => ({ value: choice, label: choice }))];
    return <NativeSelect {...common} data={data} onChange={(event) => onText(event.currentTarget.value)} />;
  }
  const onChange = (event: { currentTarget: { value: string } }) => onText(event.currentTarget.value);
  return column.type === "json" ? (
    <Textarea {...common} autosize minRows={3} maxRows={12} onChange={onChange} />
  ) : (
    <TextInput {...common} placeholder={t("empty")} onChange={onChange} />
  );
}

/** The row of a reference is searched for in its cell. */
function isChangeable(column: Column): boolean {
  return column.isEditable && column.reference === null;
}

/** Reads all rows that match, if they are few enough for an undo. */
async function readAll(store: GridStore): Promise<Row[]> {
  const { length } = store.window;
  return length > maxUndone || length === 0 ? [] : store.rowsBetween(0, length - 1);
}

function sayDone(text: string, canUndo: boolean): void {
  say(canUndo ? t("{text}. Ctrl-Z takes it back.", { text }) : t("{text}.", { text }));
}
