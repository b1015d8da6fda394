import { ensureSyntaxTree, syntaxTree } from "@codemirror/language";
import { type Diagnostic, forEachDiagnostic, linter } from "@codemirror/lint";
import { type EditorState, type Extension, StateEffect, StateField } from "@codemirror/state";
import { t } from "@/i18n";
import { offsetOf } from "./server/positions";
import type { ServerProblem } from "./server/wire";

const maxProblems = 100;
/** Milliseconds. */
const maxParse = 100;

/** A problem as it is listed: its line and column count from 1. */
export type Problem = { line: number; column: number; message: string };

export const setServerProblems = StateEffect.define<readonly ServerProblem[] | null>();

const severities: readonly Diagnostic["severity"][] = ["error", "warning", "info"];

/** What the language server says against the text; null while it is away. */
const field = StateField.define<readonly Diagnostic[] | null>({
  create: () => null,
  update(value, transaction) {
    let next = value;
    if (next !== null && transaction.docChanged) {
      const { changes } = transaction;
      next = next.map((one) => ({ ...one, from: changes.mapPos(one.from, 1), to: changes.mapPos(one.to, -1) }));
      next = next.filter(({ from, to }) => from <= to);
    }
    for (const effect of transaction.effects) {
      if (effect.is(setServerProblems))
        next = effect.value === null ? null : diagnosticsOf(transaction.state, effect.value);
    }
    return next;
  },
});

/** Marks what the language server says, and without it what the parser could not read. */
export const problemsShown: Extension = [
  field,
  linter((view) => view.state.field(field) ?? findProblems(view.state), {
    delay: 200,
    // Also when the language has come, or more has been parsed, or the language server has spoken.
    needsRefresh: ({ state, startState }) =>
      syntaxTree(state) !== syntaxTree(startState) || state.field(field) !== startState.field(field),
  }),
];

function diagnosticsOf(state: EditorState, problems: readonly ServerProblem[]): Diagnostic[] {
  return problems.slice(0, maxProblems).flatMap(({ range, severity, message, source }) => {
    const shown = severities[severity - 1];
    // Hints, such as a name that is not used, are no problems.
    if (shown === undefined) return [];
    const from = offsetOf(state.doc, range.start);
    return [{ from, to: Math.max(from, offsetOf(state.doc, range.end)), severity: shown, source, message }];
  });
}

function findProblems(state: EditorState): Diagnostic[] {
  const found: Diagnostic[] = [];
  let lastLine = -1;
  // What is not parsed yet is no fault: of a half of a text, the end would be one.
  ensureSyntaxTree(state, state.doc.length, maxParse)?.iterate({
    enter: (node) => {
      if (found.length >= maxProblems) return false;
      if (!node.type.isError) return true;
      const line = state.doc.lineAt(node.from);
      // One mistake makes several faults in a row; the first names its place.
      if (line.number === lastLine) return true;
      lastLine = line.number;
      const from = node.from === node.to ? Math.max(line.from, node.from - 1) : node.from;
      const to = Math.min(Math.max(node.to, from + 1), state.doc.length);
      const text = state.sliceDoc(node.from, Math.min(node.to, node.from + 30)).split("\n")[0] ?? "";
      const message =
        text.trim() === ""
          ? t("Something is missing here: a bracket, a colon, a quote or a value.")
          : t("“{text}” is not understood here.", { text });
      found.push({ from: Math.min(from, to), to, severity: "error", source: "syntax", message });
      return true;
    },
  });
  return found;
}

/** Returns the problems that an editor shows now, in order. */
export function problemsOf(state: EditorState): Problem[] {
  const problems: Problem[] = [];
  forEachDiagnostic(state, (diagnostic, from) => {
    const line = state.doc.lineAt(Math.min(from, state.doc.length));
    problems.push({ line: line.number, column: from - line.from + 1, message: diagnostic.message });
  });
  return problems;
}
