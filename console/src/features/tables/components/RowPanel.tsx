import {
  Anchor,
  Button,
  CloseButton,
  Group,
  Input,
  NativeSelect,
  Stack,
  Text,
  Textarea,
  TextInput,
  Title,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useEffect, useState } from "react";
import { useOrganization } from "@/api/context";
import { messageOf } from "@/api/errors";
import { useFormDraft } from "@/api/use-draft";
import { useUserId } from "@/features/accounts";
import {
  type Column,
  type Editing,
  editable,
  type GridStore,
  LargeValue,
  parse,
  type Row,
  reasonOf,
  shown,
  type Value,
} from "@/features/grid";
import type { CellPresence } from "@/features/presence";
import { locale, t } from "@/i18n";
import { DraftNotice } from "@/ui/DraftNotice";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows } from "@/ui/Page";
import { RelatedRows } from "./RelatedRows";
import classes from "./TablePage.module.css";

/** Longer texts are not shown in a field. */
const maxText = 500_000;

type RowPanelProps = {
  app: string;
  store: GridStore;
  editing: Editing;
  /** Where others are told which field of the row is edited. */
  presence: CellPresence;
  /** The row's id; null for a row that is to be made. */
  id: string | null;
  onClose: () => void;
};

/** Shows and edits all fields of one row beside the grid, or makes a new one. */
export function RowPanel({ app, store, editing, presence, id, onClose }: RowPanelProps) {
  const query = useQuery({
    queryKey: ["row", app, store.rows.table.name, id],
    queryFn: async ({ signal }) => {
      if (id === null) return [];
      // What was typed into a cell just now belongs to the row that is shown, and is nobody else's change.
      await editing.settled();
      return store.rows.byIds([id], signal);
    },
    staleTime: 0,
  });
  useEffect(() => () => presence.edit(null), [presence]);
  const row = query.data?.[0];
  const title = id === null ? t("New row") : t("Row");
  return (
    <aside
      className={classes.panel}
      aria-label={title}
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose();
      }}
    >
      <div className={classes.head}>
        <Title order={2} size="h5">
          {title}
        </Title>
        <CloseButton aria-label={t("Close")} onClick={onClose} />
      </div>
      {query.isPending && <LoadingRows />}
      {query.error && <ErrorPanel error={query.error} onRetry={() => query.refetch()} />}
      {query.data && id !== null && row === undefined && (
        <Text>{t("This row has been deleted, or it is not yours.")}</Text>
      )}
      {query.data && (id === null || row !== undefined) && (
        <Fields
          key={row?.updatedAt}
          app={app}
          store={store}
          editing={editing}
          row={row}
          onEdit={(column) => presence.edit(column === null || id === null ? null : { row: id, column })}
          onSaved={() => (id === null ? onClose() : query.refetch())}
        />
      )}
      {row !== undefined && <RelatedRows app={app} table={store.rows.table} id={row.id} />}
    </aside>
  );
}

type FieldsProps = {
  app: string;
  store: GridStore;
  editing: Editing;
  row: Row | undefined;
  /** Says which column's field has the focus; null for none any more. */
  onEdit: (column: string | null) => void;
  onSaved: () => unknown;
};

function Fields({ app, store, editing, row, onEdit, onSaved }: FieldsProps) {
  const { table } = store.rows;
  const readable = table.columns.filter(
    (column) =>
      !store.rows.hidden.has(column.name) &&
      (row === undefined ? (column.isAddable ?? column.isEditable) : column.isEditable),
  );
  const writeOnly = row === undefined ? (table.writeOnly ?? []) : [];
  const columns = [...readable, ...writeOnly];
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>({});
  const org = useOrganization();
  const present = row?.updatedAt ?? "";
  const [base, setBase] = useState(present);
  const draft = useFormDraft(useUserId(), `rows/${org}/${app}/${table.name}/${row?.id ?? "new"}`, {
    values: { base, texts },
    apply: (kept) => {
      setBase(kept.base);
      setTexts(kept.texts);
    },
  });
  const [faults, setFaults] = useState<Readonly<Record<string, string>>>({});
  const [failure, setFailure] = useState<string | null>(null);
  const [isSaving, setSaving] = useState(false);

  const save = async (event: FormEvent) => {
    event.preventDefault();
    const values: Record<string, Value> = {};
    const found: Record<string, string> = {};
    for (const column of columns) {
      const text =
        texts[column.name] ?? (row === undefined && column.isRequired && !column.hasDefault ? "" : undefined);
      if (text === undefined) continue;
      const parsed = text === "" && column.isRequired ? missing(column) : parse(text, column, locale);
      if (parsed === null) continue;
      if ("reason" in parsed) found[column.name] = parsed.reason;
      else values[column.name] = parsed.value;
    }
    setFaults(found);
    setFailure(null);
    if (Object.keys(found).length > 0) return;
    setSaving(true);
    try {
      const changes = Object.entries(values).map(([column, after]) => ({
        id: row?.id ?? "",
        column,
        before: row?.values[column] ?? null,
        after,
      }));
      const outcome = row === undefined ? await editing.change([], [values]) : await editing.change(changes);
      if (outcome.error !== null) {
        const reason = reasonOf(outcome.error, table);
        setFaults(Object.fromEntries(reason.columns.map((column) => [column, reason.text])));
        if (reason.columns.length === 0) setFailure(reason.text);
      } else if (outcome.left > 0) {
        setFailure(t("Somebody else changed this row meanwhile. What they changed was not written over."));
      } else {
        draft.done();
        await onSaved();
      }
    } catch (error) {
      setFailure(messageOf(error));
    } finally {
      setSaving(false);
    }
  };

  return (
    <form onSubmit={save} noValidate>
      <DraftNotice resumedAt={draft.resumedAt} onDiscard={draft.discard}>
        {base !== present && t("The row has been changed since then: what you save here is written over that.")}
      </DraftNotice>
      <Stack gap="sm">
        {columns.map((column) => (
          // biome-ignore lint/a11y/noStaticElementInteractions: it hears where the focus is, and is nothing to act on
          <div key={column.name} onFocus={() => onEdit(column.name)} onBlur={() => onEdit(null)}>
            <Field
              app={app}
              store={store}
              column={column}
              row={row}
              text={texts[column.name] ?? editable(row?.values[column.name], column, locale)}
              fault={faults[column.name]}
              note={writeOnly.includes(column) ? t("You cannot read this afterwards.") : undefined}
              onText={(text) => setTexts({ ...texts, [column.name]: text })}
            />
          </div>
        ))}
        {failure !== null && (
          <Text role="alert" size="sm" c="var(--am-error)">
            {failure}
          </Text>
        )}
        {columns.length === 0 && row !== undefined ? (
          <Text size="sm">{t("Your role may not change rows of this table.")}</Text>
        ) : (
          <Group>
            <Button type="submit" loading={isSaving}>
              {row === undefined ? t("Create row") : t("Save")}
            </Button>
          </Group>
        )}
        {row !== undefined &&
          table.columns
            .filter((column) => !column.isEditable && row !== undefined && column.name in row.values)
            .map((column) => (
              <Text key={column.name} size="sm" c="dimmed">
                {column.name}: {shown(row, column, locale) ?? t("empty")}
              </Text>
            ))}
      </Stack>
    </form>
  );
}

function missing(column: Column): { reason: string } | null {
  return column.hasDefault ? null : { reason: t("This column must not be empty.") };
}

type FieldProps = {
  app: string;
  store: GridStore;
  column: Column;
  row: Row | undefined;
  text: string;
  fault: string | undefined;
  note: string | undefined;
  onText: (text: string) => void;
};

function Field({ app, store, column, row, text, fault, note, onText }: FieldProps) {
  const org = useOrganization();
  if (row !== undefined && (!(column.name in row.values) || text.length > maxText)) {
    return (
      <Input.Wrapper label={column.name} labelElement="div">
        <LargeValue rows={store.rows} column={column} id={row.id} />
      </Input.Wrapper>
    );
  }
  const choices = column.type === "boolean" ? ["true", "false"] : column.choices;
  const common = {
    label: column.name,
    required: column.isRequired && !column.hasDefault,
    error: fault,
    description: note,
    value: text,
  };
  if (choices.length > 0) {
    const data = [{ value: "", label: t("empty") }, ...choices.map((choice) => ({ value: choice, label: choice }))];
    return <NativeSelect {...common} data={data} onChange={(event) => onText(event.currentTarget.value)} />;
  }
  if (column.type === "json" || text.length > 60) {
    return (
      <Textarea {...common} autosize minRows={2} maxRows={10} onChange={(event) => onText(event.currentTarget.value)} />
    );
  }
  const target = row === undefined ? null : row.values[column.name];
  const label = row === undefined || column.reference === null ? null : shown(row, column, locale);
  return (
    <div>
      <TextInput {...common} onChange={(event) => onText(event.currentTarget.value)} />
      {column.reference !== null && typeof target === "string" && (
        <Anchor
          size="sm"
          renderRoot={(props) => (
            <Link
              to="/$org/$app/tables/$table"
              params={{ org, app, table: column.reference?.table ?? "" }}
              search={{ row: target }}
              {...props}
            />
          )}
        >
          <bdi>{label}</bdi>
        </Anchor>
      )}
    </div>
  );
}
