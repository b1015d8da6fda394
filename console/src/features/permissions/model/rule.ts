/** A Hasura boolean expression over a table's columns. */
export type Rule = { readonly [name: string]: unknown };

/** One comparison, as a sentence: column, operator, value. `value` is what the rule holds; a list for `_in`. */
export type Condition = { readonly column: string; readonly operator: Operator; readonly value: unknown };

/** A rule that is a list of sentences, all of which must hold or one of which. */
export type Sentences = { readonly join: "and" | "or"; readonly conditions: readonly Condition[] };

export const operators = [
  "_eq",
  "_neq",
  "_gt",
  "_gte",
  "_lt",
  "_lte",
  "_in",
  "_nin",
  "_like",
  "_ilike",
  "_is_null",
] as const;
export type Operator = (typeof operators)[number];

export const userVariable = "X-Hasura-User-Id";
export const organizationVariable = "X-Hasura-Organization-Id";

const ordered = new Set(["text", "choice", "integer", "bigint", "numeric", "float", "date", "timestamptz"]);
const texts = new Set(["text", "choice"]);
const numbers = new Set(["integer", "bigint", "numeric", "float"]);

/** Returns the operators that a column of a type can be compared by. */
export function operatorsOf(type: string): Operator[] {
  return operators.filter((operator) => {
    if (type === "json") return operator === "_is_null";
    if (["_gt", "_gte", "_lt", "_lte"].includes(operator)) return ordered.has(type);
    return operator === "_like" || operator === "_ilike" ? texts.has(type) : true;
  });
}

/** Tells whether a column can hold the id of a member. */
export function holdsIds(type: string): boolean {
  return numbers.has(type) || texts.has(type);
}

/** Tells whether the operator compares with one value, which a session variable can be. */
export function takesVariable(operator: Operator): boolean {
  return ["_eq", "_neq", "_gt", "_gte", "_lt", "_lte"].includes(operator);
}

/** Reads a rule as sentences; null if it says more than a list of them can. */
export function readSentences(rule: Rule): Sentences | null {
  const entries = Object.entries(rule);
  const [first] = entries;
  if (first === undefined) return { join: "and", conditions: [] };
  const [name, value] = first;
  if (entries.length === 1 && (name === "_and" || name === "_or") && Array.isArray(value)) {
    const conditions = value.map((item) => (isRecord(item) ? readConditions(item) : null));
    // An empty `_or` lets nothing pass, which no list of sentences says.
    if (conditions.some((item) => item?.length !== 1) || (name === "_or" && value.length === 0)) return null;
    return { join: name === "_and" ? "and" : "or", conditions: conditions.flatMap((item) => item ?? []) };
  }
  const conditions = readConditions(rule);
  return conditions === null ? null : { join: "and", conditions };
}

/** Writes sentences as a rule. */
export function writeSentences({ join, conditions }: Sentences): Rule {
  const items = conditions.map(({ column, operator, value }) => ({ [column]: { [operator]: value } }));
  const [only] = items;
  if (only === undefined) return {};
  return items.length === 1 ? only : { [`_${join}`]: items };
}

function readConditions(rule: Rule): Condition[] | null {
  const found: Condition[] = [];
  for (const [column, comparisons] of Object.entries(rule)) {
    if (column.startsWith("_") || !isRecord(comparisons)) return null;
    for (const [operator, value] of Object.entries(comparisons)) {
      const known = operators.find((item) => item === operator);
      // What is below a relationship is about another table.
      if (known === undefined || isRecord(value)) return null;
      found.push({ column, operator: known, value });
    }
  }
  return found;
}

/** Returns a value as it is typed. */
export function textOf(value: unknown): string {
  return Array.isArray(value) ? value.map(textOf).join(",") : value === null || value === undefined ? "" : `${value}`;
}

/** Returns what was typed as a rule holds it. What is no value of the type stays text, so that it can be typed on. */
export function readValue(text: string, type: string, operator: Operator): unknown {
  if (operator === "_in" || operator === "_nin") return text.split(",").map((item) => scalarOf(item.trimStart(), type));
  return scalarOf(text, type);
}

function scalarOf(text: string, type: string): unknown {
  if (type === "boolean") return text === "true" ? true : text === "false" ? false : text;
  const number = Number(text);
  const isExact = numbers.has(type) && text !== "" && Number.isFinite(number) && String(number) === text;
  return isExact && Math.abs(number) <= Number.MAX_SAFE_INTEGER ? number : text;
}

/** Returns the value that a new condition begins with. */
export function firstValue(type: string, operator: Operator): unknown {
  if (operator === "_is_null") return true;
  if (operator === "_in" || operator === "_nin") return [];
  return type === "boolean" ? true : "";
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
