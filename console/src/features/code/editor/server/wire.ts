import { isRecord } from "@/api/graphql";

/** A place in a text as language servers count it: lines from 0, characters in UTF-16 from 0. */
export type Position = { line: number; character: number };
export type Range = { start: Position; end: Position };
export type Location = { uri: string; range: Range };
export type Edit = { range: Range; text: string };
export type Item = { label: string; insert: string; kind: number; detail: string; documentation: string; raw: unknown };
/** `source` names who says it. */
export type ServerProblem = { range: Range; severity: number; message: string; source: string };
export type Signature = { label: string; documentation: string; active: string };
export type Fix = { title: string; edits: ReadonlyMap<string, readonly Edit[]> };

const nowhere: Position = { line: 0, character: 0 };

export function readItems(answer: unknown): Item[] {
  return listOf(isRecord(answer) ? answer.items : answer).map((item) => {
    const label = textOf(item.label);
    return {
      label,
      insert: textOf(item.insertText, label),
      kind: Number(item.kind ?? 0),
      detail: textOf(item.detail),
      documentation: markupOf(item.documentation),
      raw: item,
    };
  });
}

export function readDocumentation(answer: unknown): string {
  return isRecord(answer) ? markupOf(answer.documentation) : "";
}

export function readHover(answer: unknown): string {
  return isRecord(answer) ? markupOf(answer.contents) : "";
}

export function readLocations(answer: unknown): Location[] {
  return listOf(Array.isArray(answer) ? answer : [answer]).map(({ uri, range }) => ({
    uri: textOf(uri),
    range: rangeOf(range),
  }));
}

export function readProblems(params: Record<string, unknown>): ServerProblem[] {
  return listOf(params.diagnostics).map(({ range, severity, message, source }) => ({
    range: rangeOf(range),
    severity: Number(severity ?? 1),
    message: textOf(message),
    source: textOf(source).toLowerCase(),
  }));
}

export function readSignature(answer: unknown): Signature | null {
  if (!isRecord(answer)) return null;
  const signature = listOf(answer.signatures)[Number(answer.activeSignature ?? 0)];
  if (signature === undefined) return null;
  const at = Number(signature.activeParameter ?? answer.activeParameter ?? -1);
  return {
    label: textOf(signature.label),
    documentation: markupOf(signature.documentation),
    active: textOf(listOf(signature.parameters)[at]?.label),
  };
}

/** Returns the edits of an answer by URI. */
export function readEdits(answer: unknown): Map<string, Edit[]> {
  const changes = isRecord(answer) && isRecord(answer.changes) ? answer.changes : {};
  return new Map(Object.entries(changes).map(([uri, edits]) => [uri, readEditsOfText(edits)]));
}

/** Returns the edits of an answer that is about one text. */
export function readEditsOfText(answer: unknown): Edit[] {
  return listOf(answer).map(({ range, newText }) => ({ range: rangeOf(range), text: textOf(newText) }));
}

export function readFixes(answer: unknown): Fix[] {
  return listOf(answer)
    .map(({ title, edit }) => ({ title: textOf(title), edits: readEdits(edit) }))
    .filter(({ edits }) => edits.size > 0);
}

function rangeOf(value: unknown): Range {
  return isRecord(value)
    ? { start: positionOf(value.start), end: positionOf(value.end) }
    : { start: nowhere, end: nowhere };
}

function positionOf(value: unknown): Position {
  return isRecord(value) ? { line: Number(value.line), character: Number(value.character) } : nowhere;
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function textOf(value: unknown, otherwise = ""): string {
  return typeof value === "string" ? value : otherwise;
}

function markupOf(value: unknown): string {
  return isRecord(value) ? textOf(value.value) : textOf(value);
}
