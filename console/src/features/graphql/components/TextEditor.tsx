import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput } from "@codemirror/language";
import { lintKeymap } from "@codemirror/lint";
import { EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { type Ref, useEffect, useImperativeHandle, useRef } from "react";
import { appearance } from "@/features/code";
import { typedOver } from "@/ui/typed-over";
import classes from "./ApiPage.module.css";

export type TextEditorHandle = { cursor: () => number; replace: (text: string) => void; focus: () => void };

type Props = {
  ref?: Ref<TextEditorHandle>;
  /** Which text: each keeps its cursor and its undo while another is shown. */
  id: string;
  text: string;
  label: string;
  describedBy: string;
  language: () => Extension;
  /** Called when another text is shown, and whenever this function is another. */
  onShown?: (view: EditorView) => void;
  onText: (text: string) => void;
  onRun: () => void;
  onPrettify: () => void;
};

/** Edits a text with the keys of this screen. */
export function TextEditor({ ref, id, text, label, describedBy, language, onShown, ...hooks }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const states = useRef(new Map<string, EditorState>());
  const shown = useRef(id);
  // The editor lives outside of React and always calls what was given last.
  const latest = useRef({ ...hooks, text, language, label, describedBy });
  latest.current = { ...hooks, text, language, label, describedBy };

  useEffect(() => {
    const make = () =>
      EditorState.create({
        doc: latest.current.text,
        extensions: [
          keymap.of([
            { key: "Mod-Enter", run: () => done(latest.current.onRun), preventDefault: true },
            { key: "Shift-Mod-p", run: () => done(latest.current.onPrettify), preventDefault: true },
          ]),
          [lineNumbers(), foldGutter(), history(), drawSelection(), indentOnInput(), bracketMatching()],
          [closeBrackets(), autocompletion(), highlightActiveLine(), EditorView.lineWrapping],
          keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap]),
          keymap.of([...foldKeymap, ...completionKeymap, ...lintKeymap, indentWithTab]),
          typedOver,
          latest.current.language(),
          appearance,
          EditorView.contentAttributes.of({
            "aria-label": latest.current.label,
            "aria-describedby": latest.current.describedBy,
            spellcheck: "false",
          }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onText(update.state.doc.toString());
          }),
        ],
      });
    if (place.current === null) return;
    const state = states.current.get(id) ?? make();
    if (view.current === null) {
      // With its state from the beginning: it has the nonce of the styles.
      view.current = new EditorView({ state, parent: place.current });
    } else {
      states.current.set(shown.current, view.current.state);
      view.current.setState(state);
    }
    shown.current = id;
  }, [id]);
  useEffect(
    () => () => {
      view.current?.destroy();
      view.current = null;
    },
    [],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: another text is shown
  useEffect(() => {
    if (view.current !== null) onShown?.(view.current);
  }, [id, onShown]);

  useImperativeHandle(
    ref,
    () => ({
      cursor: () => view.current?.state.selection.main.head ?? 0,
      replace: (next) =>
        view.current?.dispatch({ changes: { from: 0, to: view.current.state.doc.length, insert: next } }),
      focus: () => view.current?.focus(),
    }),
    [],
  );
  return <div ref={place} className={classes.editor} />;
}

function done(what: () => void): boolean {
  what();
  return true;
}
