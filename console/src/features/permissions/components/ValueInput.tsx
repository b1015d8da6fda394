import { Group, NativeSelect, TextInput } from "@mantine/core";
import { t } from "@/i18n";
import {
  firstValue,
  holdsIds,
  type Operator,
  organizationVariable,
  readValue,
  takesVariable,
  textOf,
  userVariable,
} from "../model/rule";

type Props = { type: string; operator: Operator; value: unknown; onValue: (value: unknown) => void };

/** Edits the value of a sentence or of a preset: a constant, or who the member is. */
export function ValueInput({ type, operator, value, onValue }: Props) {
  const variable = variables.find((item) => textOf(value).toLowerCase() === item.toLowerCase());
  const canBeVariable = holdsIds(type) && takesVariable(operator);
  return (
    <Group gap="xs" wrap="nowrap">
      {canBeVariable && (
        <NativeSelect
          aria-label={t("Compared with")}
          value={variable ?? ""}
          data={[
            { value: "", label: t("a value") },
            { value: userVariable, label: t("the member’s id") },
            { value: organizationVariable, label: t("the organization’s id") },
          ]}
          onChange={({ currentTarget: { value: chosen } }) =>
            onValue(chosen === "" ? firstValue(type, operator) : chosen)
          }
        />
      )}
      {variable === undefined && type === "boolean" && !Array.isArray(value) && (
        <NativeSelect
          aria-label={t("Value")}
          value={textOf(value)}
          data={[
            { value: "true", label: t("true") },
            { value: "false", label: t("false") },
          ]}
          onChange={(event) => onValue(readValue(event.currentTarget.value, type, operator))}
        />
      )}
      {variable === undefined && (type !== "boolean" || Array.isArray(value)) && (
        <TextInput
          flex={1}
          aria-label={t("Value")}
          placeholder={placeholderOf(type, operator)}
          value={textOf(value)}
          spellCheck={false}
          onChange={(event) => onValue(readValue(event.currentTarget.value, type, operator))}
        />
      )}
    </Group>
  );
}

const variables = [userVariable, organizationVariable];

function placeholderOf(type: string, operator: Operator): string {
  if (operator === "_in" || operator === "_nin") return t("one, two, three");
  if (operator === "_like" || operator === "_ilike") return t("% stands for any text");
  return type;
}
