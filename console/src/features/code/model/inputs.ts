import { t } from "@/i18n";

export type Kind = "text" | "number" | "integer" | "boolean" | "choice" | "date" | "json";
/** One field of an action's form. */
export type Field = {
  name: string;
  label: string;
  description: string;
  kind: Kind;
  choices: string[];
  isRequired: boolean;
  initial: string;
};

/** Returns the fields of an input schema (JSON Schema of an object), or null where there is none: JSON is typed then. */
export function fieldsOf(schema: unknown): Field[] | null {
  if (!isRecord(schema) || !isRecord(schema.properties)) return null;
  const required = Array.isArray(schema.required) ? schema.required : [];
  return Object.entries(schema.properties).map(([name, described]) => {
    const property = isRecord(described) ? described : {};
    const kind = kindOf(property);
    return {
      name,
      label: typeof property.title === "string" ? property.title : name,
      description: typeof property.description === "string" ? property.description : "",
      kind,
      choices: Array.isArray(property.enum) ? property.enum.map(String) : [],
      isRequired: required.includes(name),
      initial: asTyped(property.default, kind),
    };
  });
}

function kindOf(property: Record<string, unknown>): Kind {
  const named = Array.isArray(property.type) ? property.type.filter((type) => type !== "null") : [property.type];
  if (Array.isArray(property.enum) && property.enum.every((choice) => typeof choice === "string")) return "choice";
  if (named.length !== 1) return "json";
  if (named[0] === "string") return property.format === "date" ? "date" : "text";
  if (named[0] === "number" || named[0] === "integer" || named[0] === "boolean") return named[0];
  return "json";
}

/** Returns a value as it stands in the form's field. */
export function asTyped(value: unknown, kind: Kind): string {
  if (value === undefined || value === null) return kind === "boolean" ? "false" : "";
  return kind === "json" || typeof value === "object" ? JSON.stringify(value, null, 2) : String(value);
}

export type Read = { input: Record<string, unknown>; faults: Record<string, string> };

/** Returns what was typed into the form as the input of a run, and what is wrong with it by field. */
export function readFields(fields: readonly Field[], typed: Readonly<Record<string, string>>): Read {
  const input: Record<string, unknown> = {};
  const faults: Record<string, string> = {};
  for (const field of fields) {
    const text = typed[field.name] ?? field.initial;
    if (text.trim() === "" && field.kind !== "boolean") {
      if (field.isRequired) faults[field.name] = t("This is required.");
      continue;
    }
    const value = readValue(field.kind, text);
    if (value === undefined) faults[field.name] = faultOf(field.kind);
    else input[field.name] = value;
  }
  return { input, faults };
}

function readValue(kind: Kind, text: string): unknown {
  if (kind === "boolean") return text === "true";
  if (kind === "number" || kind === "integer") {
    const value = Number(text);
    return Number.isFinite(value) && (kind === "number" || Number.isInteger(value)) ? value : undefined;
  }
  if (kind !== "json") return text;
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

function faultOf(kind: Kind): string {
  if (kind === "integer") return t("Type a whole number, like 12.");
  if (kind === "number") return t("Type a number, like 12.5.");
  return t("This is no JSON. Example: {example}", { example: '["a", 1]' });
}

/** Reads JSON that was typed as a whole. Returns a string that says what is wrong where it is no object. */
export function readJson(text: string): Record<string, unknown> | string {
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : t("The input of an action is an object: begin with a brace.");
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
