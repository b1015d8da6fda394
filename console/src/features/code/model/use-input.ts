import { useState } from "react";
import { asTyped, type Field, fieldsOf, readFields, readJson } from "./inputs";

/** Holds what is typed as the input of an action: fields of its input schema, or JSON where it has none. */
export function useInput(schema: unknown, start: Record<string, unknown> = {}) {
  const fields = fieldsOf(schema);
  const [typed, setTyped] = useState(() => typedOf(fields, start));
  const [json, setJson] = useState(() => jsonOf(start));
  const [faults, setFaults] = useState<Record<string, string>>({});
  /** Returns the input, or null where something is wrong, which is then shown. */
  const read = (): Record<string, unknown> | null => {
    if (fields === null) {
      const input = readJson(json);
      setFaults(typeof input === "string" ? { json: input } : {});
      return typeof input === "string" ? null : input;
    }
    const { input, faults: found } = readFields(fields, typed);
    setFaults(found);
    return Object.keys(found).length === 0 ? input : null;
  };
  const take = (input: Record<string, unknown>) => {
    setFaults({});
    setJson(jsonOf(input));
    setTyped(Object.fromEntries((fields ?? []).map(({ name, kind }) => [name, asTyped(input[name], kind)])));
  };
  const texts: InputTexts = { typed, json };
  const restore = (kept: InputTexts) => {
    setFaults({});
    setJson(kept.json);
    setTyped(kept.typed);
  };
  const type = (name: string, value: string) => setTyped((before) => ({ ...before, [name]: value }));
  return { fields, typed, json, faults, read, take, type, setJson, texts, restore };
}

/** What is typed, as a draft keeps it. */
export type InputTexts = { typed: Record<string, string>; json: string };
export type Input = ReturnType<typeof useInput>;

function jsonOf(input: Record<string, unknown>): string {
  return Object.keys(input).length === 0 ? "" : JSON.stringify(input, null, 2);
}

function typedOf(fields: readonly Field[] | null, start: Record<string, unknown>): Record<string, string> {
  const known = (fields ?? []).filter(({ name }) => name in start);
  return Object.fromEntries(known.map(({ name, kind }) => [name, asTyped(start[name], kind)]));
}
