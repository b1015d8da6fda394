import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json, jsonParseLinter } from "@codemirror/lang-json";
import { bracketMatching } from "@codemirror/language";
import { linter } from "@codemirror/lint";
import { EditorState, Prec } from "@codemirror/state";
import { drawSelection, EditorView, keymap } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { appearance } from "@/features/code";
import { typedOver } from "@/ui/typed-over";
import classes from "./CellEditor.module.css";
import type { Direction } from "./editors";

type CodeTextProps = {
  text: string;
  label: string;
  isJson: boolean;
  onText: (text: string) => void;
  onCommit: (then: Direction) => void;
};

/** Edits a long text or JSON. Ctrl-Enter commits and goes down, Tab to the right. */
export function CodeText(props: CodeTextProps) {
  const place = useRef<HTMLDivElement>(null);
  // The editor lives outside of React and always calls what was given last.
  const latest = useRef(props);
  latest.current = props;
  useEffect(() => {
    const commit = (then: Direction) => () => {
      latest.current.onCommit(then);
      return true;
    };
    const { text, label, isJson } = latest.current;
    const state = EditorState.create({
      doc: text,
      selection: { anchor: text.length },
      extensions: [
        Prec.high(
          keymap.of([
            { key: "Mod-Enter", run: commit("down") },
            { key: "Tab", run: commit("right"), shift: commit("left") },
          ]),
        ),
        [
          history(),
          drawSelection(),
          bracketMatching(),
          EditorView.lineWrapping,
          EditorView.perLineTextDirection.of(true),
        ],
        keymap.of([...defaultKeymap, ...historyKeymap]),
        isJson ? [json(), linter(jsonParseLinter())] : [],
        typedOver,
        appearance,
        EditorView.contentAttributes.of({ "aria-label": label, spellcheck: String(!isJson) }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) latest.current.onText(update.state.doc.toString());
        }),
      ],
    });
    if (place.current === null) return;
    const view = new EditorView({ state, parent: place.current });
    view.focus();
    return () => view.destroy();
  }, []);
  return <div ref={place} className={classes.code} />;
}
