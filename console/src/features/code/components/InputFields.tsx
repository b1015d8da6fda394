import { Checkbox, NativeSelect, Textarea, TextInput } from "@mantine/core";
import { t } from "@/i18n";
import type { Field } from "../model/inputs";
import type { Input } from "../model/use-input";
import classes from "./RunPanel.module.css";

/** The fields of an action's input, or one for JSON. */
export function InputFields({ input }: { input: Input }) {
  if (input.fields === null) {
    return (
      <Textarea
        label={t("Input as JSON")}
        description={t("The script finds it in its event, under user_input.")}
        placeholder="{}"
        autosize
        minRows={3}
        maxRows={16}
        value={input.json}
        error={input.faults.json}
        classNames={{ input: classes.json ?? "" }}
        onChange={(event) => input.setJson(event.currentTarget.value)}
      />
    );
  }
  return input.fields.map((field) => (
    <InputField
      key={field.name}
      field={field}
      value={input.typed[field.name] ?? field.initial}
      fault={input.faults[field.name] ?? null}
      onChange={(value) => input.type(field.name, value)}
    />
  ));
}

type FieldProps = { field: Field; value: string; fault: string | null; onChange: (value: string) => void };

function InputField({ field, value, fault, onChange }: FieldProps) {
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
      <NativeSelect
        {...shared}
        data={["", ...field.choices]}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
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
