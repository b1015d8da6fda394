import { Button, Checkbox, Group, NativeSelect, NumberInput, Stack, Textarea, TextInput, Title } from "@mantine/core";
import { type KeyboardEvent, useId, useState } from "react";
import { t } from "@/i18n";
import { type ColumnForm, columnTypes } from "../model/columns";

type Props = {
  title: string;
  initial: ColumnForm;
  tables: readonly string[];
  /** Names that other columns have. */
  taken: readonly string[];
  /** Rows that the table has: a required column needs a default for them. */
  rows: number | null;
  onDone: (form: ColumnForm) => void;
  onCancel: () => void;
};

/** Edits one column. What it holds is staged with `Ctrl-Enter` or its button, and nothing else is. */
export function ColumnFields({ title, initial, tables, taken, rows, onDone, onCancel }: Props) {
  const [form, setForm] = useState(initial);
  const [choices, setChoices] = useState(initial.choices.join("\n"));
  const [isTried, setTried] = useState(false);
  const heading = useId();
  const put = (change: Partial<ColumnForm>) => setForm({ ...form, ...change });
  const given = choices.split("\n").flatMap((line) => (line.trim() === "" ? [] : [line.trim()]));
  const faults = faultsOf({ ...form, choices: given }, taken);
  const shown = isTried ? faults : {};
  const done = () => {
    setTried(true);
    if (Object.keys(faults).length === 0) onDone({ ...form, name: form.name.trim(), choices: given });
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Escape") onCancel();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) done();
    else return;
    // The form around this one must not be committed with it.
    event.preventDefault();
    event.stopPropagation();
  };
  const isNew = initial.name === "";
  return (
    <form
      aria-labelledby={heading}
      noValidate
      onKeyDown={onKey}
      onSubmit={(event) => {
        event.preventDefault();
        done();
      }}
    >
      <Stack gap="sm">
        <Title order={2} size="h4" id={heading}>
          {title}
        </Title>
        <TextInput
          label={t("Name")}
          description={t("Letters, digits and underscores. Queries and actions use it.")}
          value={form.name}
          maxLength={63}
          autoFocus
          spellCheck={false}
          error={shown.name}
          onChange={(event) => put({ name: event.currentTarget.value })}
        />
        <NativeSelect
          label={t("Type")}
          data={[...columnTypes()]}
          value={form.type}
          onChange={(event) => {
            const type = columnTypes().find(({ value }) => value === event.currentTarget.value)?.value;
            if (type !== undefined) put({ type, format: type === initial.type ? initial.format : null });
          }}
        />
        {form.type === "choice" && (
          <Textarea
            label={t("Choices")}
            description={t("One on each line.")}
            autosize
            minRows={3}
            maxRows={10}
            value={choices}
            error={shown.choices}
            onChange={(event) => setChoices(event.currentTarget.value)}
          />
        )}
        {form.type === "reference" && (
          <>
            <NativeSelect
              label={t("Leads to a row of")}
              data={[
                { value: "", label: t("Choose a table") },
                ...tables.map((name) => ({ value: name, label: name })),
              ]}
              value={form.target}
              error={shown.target}
              onChange={(event) => put({ target: event.currentTarget.value })}
            />
            <Checkbox
              label={t("A row that is referred to cannot be deleted")}
              description={t("Otherwise deleting it empties this column.")}
              checked={form.isRestricted || form.isRequired}
              disabled={form.isRequired}
              onChange={(event) => put({ isRestricted: event.currentTarget.checked })}
            />
          </>
        )}
        <Checkbox
          label={t("Required")}
          description={t("No row without a value.")}
          checked={form.isRequired}
          onChange={(event) => put({ isRequired: event.currentTarget.checked })}
        />
        {form.type !== "reference" && (
          <Default form={form} choices={given} put={put} rows={isNew && form.isRequired ? rows : null} />
        )}
        <Textarea
          label={t("Description")}
          description={t("What the column holds. GraphQL's schema shows it, too.")}
          autosize
          minRows={1}
          maxRows={4}
          maxLength={1000}
          value={form.description}
          onChange={(event) => put({ description: event.currentTarget.value })}
        />
        <Format form={form} put={put} />
        <Group gap="xs">
          <Button type="submit">{isNew ? t("Add to the plan") : t("Change in the plan")}</Button>
          <Button variant="default" onClick={onCancel}>
            {t("Cancel")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

type PartProps = { form: ColumnForm; put: (change: Partial<ColumnForm>) => void };

function Default({ form, choices, put, rows }: PartProps & { choices: readonly string[]; rows: number | null }) {
  const functions: Readonly<Record<string, string>> = {
    date: "now()",
    timestamptz: "now()",
    uuid: "gen_random_uuid()",
  };
  const computed = functions[form.type];
  const description =
    rows !== null && rows > 0
      ? t("The table has {count, plural, one {# row} other {# rows}}, which get this value.", { count: rows })
      : computed === undefined
        ? t("What a new row gets. Empty: nothing.")
        : t("What a new row gets, or {computed}. Empty: nothing.", { computed });
  const common = {
    label: t("Default"),
    description,
    value: form.default,
  };
  if (form.type === "boolean" || form.type === "choice") {
    const values = form.type === "boolean" ? ["true", "false"] : choices;
    return (
      <NativeSelect
        {...common}
        data={[{ value: "", label: t("No default") }, ...values.map((value) => ({ value, label: value }))]}
        onChange={(event) => put({ default: event.currentTarget.value })}
      />
    );
  }
  return <TextInput {...common} spellCheck={false} onChange={(event) => put({ default: event.currentTarget.value })} />;
}

/** How values are shown, by the column's type. */
function Format({ form, put }: PartProps) {
  const set = (key: string, value: unknown) => {
    const { [key]: _, ...others } = form.format ?? {};
    const next = value === "" || value === false ? others : { ...others, [key]: value };
    put({ format: Object.keys(next).length === 0 ? null : next });
  };
  const format = form.format ?? {};
  const isFractional = form.type === "numeric" || form.type === "float";
  if (isFractional || form.type === "integer" || form.type === "bigint") {
    return (
      <Group gap="sm" grow align="flex-start">
        {isFractional && (
          <NumberInput
            label={t("Decimals shown")}
            min={0}
            max={10}
            allowDecimal={false}
            hideControls
            value={typeof format.decimals === "number" ? format.decimals : ""}
            onChange={(value) => set("decimals", value)}
          />
        )}
        <TextInput
          label={t("Currency")}
          placeholder="EUR"
          maxLength={3}
          value={typeof format.currency === "string" ? format.currency : ""}
          onChange={(event) => set("currency", event.currentTarget.value.toUpperCase())}
        />
      </Group>
    );
  }
  if (form.type === "text") {
    return (
      <Checkbox
        label={t("Several lines")}
        checked={format.multiline === true}
        onChange={(event) => set("multiline", event.currentTarget.checked)}
      />
    );
  }
  if (form.type !== "date" && form.type !== "timestamptz") return null;
  const styles = [
    { value: "", label: t("As usual") },
    { value: "short", label: t("Short") },
    { value: "medium", label: t("Medium") },
    { value: "long", label: t("Long") },
    { value: "iso", label: "ISO 8601" },
  ];
  return (
    <NativeSelect
      label={t("Shown")}
      data={styles}
      value={typeof format.style === "string" ? format.style : ""}
      onChange={(event) => set("style", event.currentTarget.value)}
    />
  );
}

function faultsOf(form: ColumnForm, taken: readonly string[]): Record<string, string> {
  const faults: Record<string, string> = {};
  const name = form.name.trim();
  if (name === "") faults.name = t("Give the column a name.");
  else if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name))
    faults.name = t("Begin with a letter (A to Z); then letters, digits and underscores.");
  else if (taken.includes(name)) faults.name = t("Another column has this name.");
  if (form.type === "choice" && form.choices.length === 0) faults.choices = t("Give at least one value.");
  if (form.type === "reference" && form.target === "") faults.target = t("Choose the table that it leads to.");
  return faults;
}
