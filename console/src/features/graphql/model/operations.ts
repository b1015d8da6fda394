import { Kind, type OperationDefinitionNode, parse, print } from "graphql";

export type Found = { kind: "query" | "mutation" | "subscription"; name: string | null };

/**
 * Returns which operation a document runs: the one at the cursor, else its first. A string says why there is none.
 */
export function operationAt(text: string, cursor: number): Found | string {
  let operations: OperationDefinitionNode[];
  try {
    operations = parse(text).definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const chosen = operations.find(({ loc }) => loc && loc.start <= cursor && cursor <= loc.end) ?? operations[0];
  if (chosen === undefined) return "";
  return { kind: chosen.operation, name: chosen.name?.value ?? null };
}

/** Returns the document with the usual spaces; null where it cannot be read, or has comments, which would be lost. */
export function prettified(text: string): string | null {
  const withoutStrings = text.replaceAll(/"""[\s\S]*?"""|"(?:[^"\\\n]|\\.)*"/g, '""');
  if (withoutStrings.includes("#")) return null;
  try {
    return `${print(parse(text))}\n`;
  } catch {
    return null;
  }
}

/** Reads variables as they are typed: JSON, or nothing. Returns null where it is no JSON object. */
export function readVariables(text: string): Record<string, unknown> | null {
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

/** Names a tab by the operation in it. */
export function titleOf(text: string): string | null {
  const [, kind, name] = /^\s*(query|mutation|subscription)\s+([_A-Za-z]\w*)/m.exec(text) ?? [];
  if (name !== undefined) return name;
  const [, field] = /\{\s*([_A-Za-z]\w*)/.exec(text) ?? [];
  return field ?? kind ?? null;
}
