import { ActionIcon, Button, Group, NativeSelect, Popover, Stack, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import IconFilter from "@tabler/icons-react/icons/IconFilter";
import IconSearch from "@tabler/icons-react/icons/IconSearch";
import IconX from "@tabler/icons-react/icons/IconX";
import { type FormEvent, type Ref, useState } from "react";
import { locale, t } from "@/i18n";
import { parse } from "../model/coercion";
import type { Column, Value } from "../model/columns";
import { type Condition, type Filter, type Operator, operatorsOf } from "../model/filter";
import classes from "./Toolbar.module.css";

export type FilterBarProps = {
  columns: readonly Column[];
  filter: Filter;
  onFilter: (filter: Filter) => void;
  search: Ref<HTMLInputElement>;
};

/** Search, the conditions as chips, and the form for one more. */
export function FilterBar({ columns, filter, onFilter, search }: FilterBarProps) {
  const settle = useDebouncedCallback((text: string) => onFilter({ ...filter, search: text.trim() }), 250);
  return (
    <>
      <TextInput
        ref={search}
        key={filter.search === "" ? "empty" : "filled"}
        className={classes.search}
        aria-label={t("Find in the table")}
        placeholder={t("Find in the table")}
        leftSection={<IconSearch size={16} aria-hidden />}
        defaultValue={filter.search}
        autoFocus={filter.search !== ""}
        maxLength={200}
        onChange={(event) => settle(event.currentTarget.value)}
        data-search
      />
      {filter.conditions.map((condition, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a condition may be there twice
        <span key={index} className={classes.chip}>
          <span>
            <bdi>{describe(condition)}</bdi>
          </span>
          <ActionIcon
            variant="subtle"
            size="sm"
            color="gray"
            aria-label={t("Remove the filter {filter}", { filter: describe(condition) })}
            onClick={() => onFilter({ ...filter, conditions: filter.conditions.toSpliced(index, 1) })}
          >
            <IconX size={14} aria-hidden />
          </ActionIcon>
        </span>
      ))}
      <NewCondition
        columns={columns}
        onAdd={(condition) => onFilter({ ...filter, conditions: [...filter.conditions, condition] })}
      />
    </>
  );
}

function NewCondition({ columns, onAdd }: { columns: readonly Column[]; onAdd: (condition: Condition) => void }) {
  const usable = columns.filter((column) => operatorsOf(column).length > 0);
  const [isOpen, setOpen] = useState(false);
  const [name, setName] = useState("");
  const [operator, setOperator] = useState<Operator | null>(null);
  const [text, setText] = useState("");
  const [reason, setReason] = useState<string | null>(null);
  const column = usable.find((item) => item.name === name) ?? usable[0];
  if (column === undefined) return null;
  const operators = operatorsOf(column);
  const chosen = operator !== null && operators.includes(operator) ? operator : operators[0];
  const hasValue = chosen !== "empty" && chosen !== "not empty";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (chosen === undefined) return;
    const value = hasValue ? valueFrom(text, column, chosen) : { value: null };
    if ("reason" in value) {
      setReason(value.reason);
      return;
    }
    onAdd({ column: column.name, operator: chosen, value: value.value });
    setText("");
    setReason(null);
    setOpen(false);
  };
  return (
    <Popover
      opened={isOpen}
      onChange={setOpen}
      trapFocus
      returnFocus
      position="bottom-start"
      transitionProps={{ duration: 0 }}
    >
      <Popover.Target>
        <Button
          variant="default"
          leftSection={<IconFilter size={16} aria-hidden />}
          onClick={() => setOpen(!isOpen)}
          aria-expanded={isOpen}
        >
          {t("Filter")}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={t("New filter")}>
        <form onSubmit={submit}>
          <Stack gap="xs">
            <NativeSelect
              label={t("Column")}
              data={usable.map((item) => item.name)}
              value={column.name}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            <NativeSelect
              label={t("Condition")}
              data={operators.map((item) => ({ value: item, label: wordsOf(item) }))}
              value={chosen}
              onChange={(event) => setOperator(operators.find((item) => item === event.currentTarget.value) ?? null)}
            />
            {hasValue && (
              <TextInput
                label={t("Value")}
                description={
                  chosen === "one of"
                    ? t("Several with commas: {choices}", { choices: column.choices.join(", ") })
                    : undefined
                }
                value={text}
                error={reason}
                onChange={(event) => setText(event.currentTarget.value)}
              />
            )}
            <Group justify="flex-end">
              <Button type="submit">{t("Filter")}</Button>
            </Group>
          </Stack>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

function valueFrom(text: string, column: Column, operator: Operator): { value: Value } | { reason: string } {
  const parts = operator === "one of" ? text.split(",") : [text];
  const values: Value[] = [];
  for (const part of parts) {
    const parsed = parse(part, column, locale);
    if ("reason" in parsed) return parsed;
    if (parsed.value === null) return { reason: t("Write a value.") };
    values.push(parsed.value);
  }
  return { value: operator === "one of" ? values : (values[0] ?? null) };
}

function wordsOf(operator: Operator): string {
  const words: Record<Operator, string> = {
    contains: t("contains"),
    begins: t("begins with"),
    is: t("is"),
    "is not": t("is not"),
    "one of": t("is one of"),
    less: t("is less than"),
    "at most": t("is at most"),
    greater: t("is greater than"),
    "at least": t("is at least"),
    empty: t("is empty"),
    "not empty": t("is not empty"),
  };
  return words[operator];
}

function describe({ column, operator, value }: Condition): string {
  const text = Array.isArray(value) ? value.join(", ") : value === null ? "" : String(value);
  return `${column} ${wordsOf(operator)} ${text}`.trim();
}
