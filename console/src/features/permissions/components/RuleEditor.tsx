import { ActionIcon, Button, Group, NativeSelect, SegmentedControl, Text, Textarea } from "@mantine/core";
import IconPlus from "@tabler/icons-react/icons/IconPlus";
import IconX from "@tabler/icons-react/icons/IconX";
import { useId, useState } from "react";
import { t } from "@/i18n";
import {
  type Condition,
  firstValue,
  isRecord,
  type Operator,
  operatorsOf,
  type Rule,
  readSentences,
  type Sentences,
  takesVariable,
  writeSentences,
} from "../model/rule";
import classes from "./Permissions.module.css";
import { ValueInput } from "./ValueInput";

export type Typed = { readonly name: string; readonly type: string };

type Props = {
  legend: string;
  /** What an empty rule means. */
  whenEmpty: string;
  rule: Rule;
  /** JSON that is no rule yet, as it was typed. */
  unread: string | undefined;
  columns: readonly Typed[];
  fault: string | undefined;
  onRule: (rule: Rule) => void;
  onUnread: (text: string) => void;
};

/** Edits a rule as sentences or as JSON: two views of one definition. */
export function RuleEditor(props: Props) {
  const { legend, whenEmpty, rule, unread, fault } = props;
  const sentences = readSentences(rule);
  const [chosen, setChosen] = useState<"sentences" | "json">("sentences");
  const view = sentences === null || unread !== undefined ? "json" : chosen;
  const describedBy = useId();
  return (
    <fieldset className={classes.rule} aria-describedby={fault === undefined ? undefined : describedBy}>
      <legend>{legend}</legend>
      <Group>
        <SegmentedControl
          size="xs"
          aria-label={t("{rule}, shown as", { rule: legend })}
          value={view}
          onChange={(value) => setChosen(value === "json" ? "json" : "sentences")}
          data={[
            { value: "sentences", label: t("Sentences"), disabled: sentences === null || unread !== undefined },
            { value: "json", label: t("JSON") },
          ]}
        />
        {sentences === null && unread === undefined && (
          <Text size="sm" c="dimmed">
            {t("This rule says more than a list of sentences can.")}
          </Text>
        )}
      </Group>
      {view === "json" || sentences === null ? (
        <JsonRule {...props} />
      ) : (
        <SentenceList {...props} sentences={sentences} />
      )}
      {view === "sentences" && sentences?.conditions.length === 0 && (
        <Text size="sm" c="dimmed">
          {whenEmpty}
        </Text>
      )}
      {fault !== undefined && (
        <Text id={describedBy} role="alert" size="sm" c="var(--am-error)">
          {fault}
        </Text>
      )}
    </fieldset>
  );
}

function JsonRule({ legend, rule, unread, onRule, onUnread }: Props) {
  // Written anew only when another hand changed the rule: what is typed keeps its spaces.
  const [typed, setTyped] = useState<string | null>(null);
  const isOwn = typed !== null && JSON.stringify(readRule(typed)) === JSON.stringify(rule);
  const text = unread ?? (isOwn ? typed : JSON.stringify(rule, null, 2));
  return (
    <Textarea
      aria-label={t("{rule}, as JSON", { rule: legend })}
      classNames={{ input: classes.json }}
      description={t("A Hasura boolean expression over the columns and relationships of this table.")}
      error={unread === undefined ? undefined : t("This is not a JSON object yet. It is kept as you typed it.")}
      autosize
      minRows={2}
      maxRows={16}
      spellCheck={false}
      value={text}
      onChange={({ currentTarget: { value } }) => {
        const read = readRule(value);
        setTyped(value);
        if (read === null) onUnread(value);
        else onRule(read);
      }}
    />
  );
}

function readRule(text: string): Rule | null {
  try {
    const read: unknown = JSON.parse(text);
    return isRecord(read) ? read : null;
  } catch {
    return null;
  }
}

function SentenceList({ legend, sentences, columns, onRule }: Props & { sentences: Sentences }) {
  const { join, conditions } = sentences;
  const put = (next: Partial<Sentences>) => onRule(writeSentences({ ...sentences, ...next }));
  const replace = (at: number, condition: Condition) => put({ conditions: conditions.with(at, condition) });
  const first = columns[0];
  return (
    <>
      {conditions.length > 1 && (
        <NativeSelect
          size="xs"
          w="fit-content"
          aria-label={t("{rule}: how its sentences are joined", { rule: legend })}
          value={join}
          data={[
            { value: "and", label: t("All of these hold") },
            { value: "or", label: t("One of these holds") },
          ]}
          onChange={({ currentTarget: { value } }) => put({ join: value === "or" ? "or" : "and" })}
        />
      )}
      {conditions.map((condition, at) => (
        <Sentence
          // biome-ignore lint/suspicious/noArrayIndexKey: a sentence is its place, two may be alike
          key={at}
          name={t("{rule}, sentence {number}", { rule: legend, number: at + 1 })}
          condition={condition}
          columns={columns}
          onChange={(next) => replace(at, next)}
          onRemove={() => put({ conditions: conditions.toSpliced(at, 1) })}
        />
      ))}
      {first !== undefined && (
        <Button
          variant="default"
          size="compact-sm"
          w="fit-content"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() =>
            put({
              conditions: [
                ...conditions,
                {
                  column: first.name,
                  operator: firstOf(first.type),
                  value: firstValue(first.type, firstOf(first.type)),
                },
              ],
            })
          }
        >
          {t("Add a sentence")}
        </Button>
      )}
    </>
  );
}

function firstOf(type: string): Operator {
  return operatorsOf(type)[0] ?? "_is_null";
}

type SentenceProps = {
  name: string;
  condition: Condition;
  columns: readonly Typed[];
  onChange: (condition: Condition) => void;
  onRemove: () => void;
};

function Sentence({ name, condition, columns, onChange, onRemove }: SentenceProps) {
  const { column, operator, value } = condition;
  const type = columns.find((item) => item.name === column)?.type ?? "text";
  const known = columns.some((item) => item.name === column);
  return (
    <fieldset className={`${classes.rule} ${classes.sentence}`} aria-label={name}>
      <NativeSelect
        aria-label={t("Column")}
        value={column}
        data={known ? columns.map((item) => item.name) : [column, ...columns.map((item) => item.name)]}
        onChange={(event) => {
          const next = columns.find((item) => item.name === event.currentTarget.value);
          if (next === undefined) return;
          const kept = operatorsOf(next.type).includes(operator) ? operator : firstOf(next.type);
          onChange({ column: next.name, operator: kept, value: firstValue(next.type, kept) });
        }}
      />
      <NativeSelect
        aria-label={t("Operator")}
        value={operator === "_is_null" && value === false ? "filled" : operator}
        data={[
          ...operatorsOf(type).map((item) => ({ value: item, label: words()[item] })),
          { value: "filled", label: t("is not empty") },
        ]}
        onChange={(event) => {
          const next = event.currentTarget.value;
          if (next === "filled") return onChange({ column, operator: "_is_null", value: false });
          const chosen = operatorsOf(type).find((item) => item === next);
          if (chosen === undefined) return;
          const isKept = takesVariable(chosen) && takesVariable(operator);
          onChange({ column, operator: chosen, value: isKept ? value : firstValue(type, chosen) });
        }}
      />
      {operator === "_is_null" ? (
        <span />
      ) : (
        <ValueInput
          type={type}
          operator={operator}
          value={value}
          onValue={(next) => onChange({ column, operator, value: next })}
        />
      )}
      <ActionIcon
        variant="subtle"
        color="gray"
        size="input-sm"
        aria-label={t("Remove {name}", { name })}
        onClick={onRemove}
      >
        <IconX size={16} aria-hidden />
      </ActionIcon>
    </fieldset>
  );
}

function words(): Record<Operator, string> {
  return {
    _eq: t("is"),
    _neq: t("is not"),
    _gt: t("is greater than"),
    _gte: t("is at least"),
    _lt: t("is less than"),
    _lte: t("is at most"),
    _in: t("is one of"),
    _nin: t("is none of"),
    _like: t("is like"),
    _ilike: t("is like, in any case"),
    _is_null: t("is empty"),
  };
}
