import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit } from "@codemirror/language";
import { lintKeymap } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import {
  crosshairCursor,
  drawSelection,
  dropCursor,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  rectangularSelection,
  tooltips,
  type ViewUpdate,
} from "@codemirror/view";
import { t } from "@/i18n";
import { typedOver } from "@/ui/typed-over";
import type { Names } from "../model/names";
import { completionOf } from "./completion";
import type { Schema } from "./graphql/language";
import { failureMarks } from "./marks";
import { problemsShown } from "./problems";
import type { ServerHooks } from "./server/commands";
import { appearance } from "./theme";

export type EditorHooks = ServerHooks & {
  /** Holds what is shown over the editor. */
  over: HTMLElement;
  names: () => Names;
  /** Reads the schema of the app's GraphQL; null where there is none. */
  schema: Schema;
  isReadOnly: boolean;
  onText: (path: string, text: string) => void;
  onUpdate: (update: ViewUpdate) => void;
  onSave: () => void;
  onRun: () => void;
};

export const language = new Compartment();
export const describedBy = "am-editor-keys";

/** Makes the state of one file's editor. */
export function stateOf(path: string, text: string, hooks: EditorHooks): EditorState {
  return EditorState.create({
    doc: text,
    extensions: [
      keymap.of([
        { key: "Mod-s", run: () => call(hooks.onSave), preventDefault: true },
        { key: "Mod-Enter", run: () => call(hooks.onRun), preventDefault: true },
      ]),
      typedOver,
      // The editor is laid out by itself and shows nothing outside of its frame, and a list may be longer than that.
      tooltips({ parent: hooks.over }),
      lineNumbers(),
      failureMarks,
      foldGutter(),
      highlightActiveLineGutter(),
      highlightSpecialChars(),
      history(),
      drawSelection(),
      dropCursor(),
      EditorState.allowMultipleSelections.of(true),
      EditorState.tabSize.of(4),
      indentUnit.of(path.endsWith(".py") ? "    " : "  "),
      indentOnInput(),
      bracketMatching(),
      closeBrackets(),
      autocompletion({ override: [completionOf(path, hooks)] }),
      rectangularSelection(),
      crosshairCursor(),
      highlightActiveLine(),
      highlightSelectionMatches(),
      path.endsWith(".md") ? EditorView.lineWrapping : [],
      path.endsWith(".py") || path.endsWith(".json") ? problemsShown : [],
      keymap.of([
        ...closeBracketsKeymap,
        ...defaultKeymap,
        ...searchKeymap,
        ...historyKeymap,
        ...foldKeymap,
        ...completionKeymap,
        ...lintKeymap,
        indentWithTab,
      ]),
      language.of([]),
      appearance,
      hooks.isReadOnly ? fixed : [],
      EditorView.contentAttributes.of({
        "aria-label": t("Text of {path}", { path }),
        "aria-describedby": describedBy,
        tabindex: "0",
        spellcheck: "false",
      }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged && !update.transactions.some((transaction) => transaction.isUserEvent("am.outside"))) {
          hooks.onText(path, update.state.doc.toString());
        }
        hooks.onUpdate(update);
      }),
    ],
  });
}

/** Returns what shows a text beside another. */
export function shown(path: string): Extension[] {
  return [
    EditorView.contentAttributes.of({ tabindex: "0", "aria-label": t("Text of {path}", { path }) }),
    lineNumbers(),
    drawSelection(),
    history(),
    keymap.of([...defaultKeymap, ...searchKeymap, ...historyKeymap]),
    language.of([]),
    appearance,
  ];
}

/** Makes a text one that cannot be changed. */
export const fixed: Extension = [EditorState.readOnly.of(true), EditorView.editable.of(false)];

function call(what: () => void): boolean {
  what();
  return true;
}
