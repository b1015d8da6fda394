import { exactDigits } from "@/api/exact";

/** Quotes a text for a shell. */
export function shell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Writes JSON as Python does. A text of JSON is one of Python. */
export function python(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object" && exactDigits(value) === null) {
    return `{${Object.entries(value)
      .map(([name, member]) => `${python(name)}: ${python(member)}`)
      .join(", ")}}`;
  }
  return JSON.stringify(value);
}
