import { t } from "@/i18n";
import type { ColumnType } from "../api";

/** How a column is edited: everything of it, as its form holds it. */
export type ColumnForm = {
  name: string;
  type: ColumnType;
  isRequired: boolean;
  /** As text; empty for none. */
  default: string;
  choices: readonly string[];
  description: string;
  format: { readonly [key: string]: unknown } | null;
  /** For references: the table that it leads to, and whether deleting a row there is refused. */
  target: string;
  isRestricted: boolean;
};

export const newColumn: ColumnForm = {
  name: "",
  type: "text",
  isRequired: false,
  default: "",
  choices: [],
  description: "",
  format: null,
  target: "",
  isRestricted: false,
};

/** Returns the types that a column can have, in the order in which they are offered. */
export function columnTypes(): readonly { value: ColumnType; label: string }[] {
  return [
    { value: "text", label: t("Text") },
    { value: "choice", label: t("Choice of some values") },
    { value: "integer", label: t("Whole number") },
    { value: "bigint", label: t("Large whole number") },
    { value: "numeric", label: t("Exact decimal number") },
    { value: "float", label: t("Floating-point number") },
    { value: "boolean", label: t("True or false") },
    { value: "date", label: t("Date") },
    { value: "timestamptz", label: t("Date and time") },
    { value: "reference", label: t("Reference to a row") },
    { value: "uuid", label: t("UUID") },
    { value: "json", label: t("JSON") },
  ];
}

export function nameOfType(type: string): string {
  return columnTypes().find(({ value }) => value === type)?.label ?? type;
}

/** Reads a default as the API takes it; null for none. What cannot be read goes as it is, and the API says why not. */
export function readDefault(type: ColumnType, text: string): unknown {
  const trimmed = text.trim();
  if (text === "" || type === "reference") return null;
  if (type === "text" || type === "choice") return text;
  if (type === "boolean") return trimmed === "true" ? true : trimmed === "false" ? false : trimmed;
  if (type === "json") {
    try {
      return JSON.parse(trimmed);
    } catch {
      return trimmed;
    }
  }
  const isNumber = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(trimmed);
  // Numbers that the browser would round stay text, which only exact decimals may be.
  if ((type === "integer" || type === "bigint" || type === "float") && isNumber) {
    const number = Number(trimmed);
    return type === "float" || Number.isSafeInteger(number) ? number : trimmed;
  }
  return trimmed;
}

/** Writes a default of the API as `readDefault` reads it. */
export function writeDefault(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
