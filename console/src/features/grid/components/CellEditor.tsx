import { type KeyboardEvent, useId, useRef, useState } from "react";
import { locale, t } from "@/i18n";
import { parse } from "../model/coercion";
import classes from "./CellEditor.module.css";
import { type CellEditorProps, type Direction, leaves } from "./editors";
import { ReferenceEditor } from "./ReferenceEditor";

/** Edits one cell. Enter commits and goes down, Tab to the right, Escape goes back. A bad text stays, with its reason. */
export function CellEditor(props: CellEditorProps) {
  if (props.column.reference !== null) return <ReferenceEditor {...props} />;
  const choices = props.column.type === "boolean" ? ["true", "false"] : props.column.choices;
  return choices.length > 0 ? <ChoiceEditor {...props} choices={choices} /> : <TextEditor {...props} />;
}

function TextEditor({ column, text, onCommit, onCancel }: CellEditorProps) {
  const [value, setValue] = useState(text);
  const [reason, setReason] = useState<string | null>(null);
  const isEnded = useRef(false);
  const id = useId();
  const isLarge =
    column.type === "json" ||
    (column.type === "text" && (text.length > 60 || text.includes("\n") || column.format?.multiline === true));
  const commit = (then: Direction | "stay") => {
    if (isEnded.current) return;
    const parsed = parse(value, column, locale);
    if ("reason" in parsed) {
      setReason(parsed.reason);
      return;
    }
    isEnded.current = true;
    onCommit(parsed.value, then);
  };
  const common = {
    className: classes.editor,
    "aria-label": column.name,
    "aria-invalid": reason !== null,
    "aria-describedby": reason === null ? undefined : id,
    autoFocus: true,
    value,
    onBlur: () => commit("stay"),
    onKeyDown: (event: KeyboardEvent) => {
      event.stopPropagation();
      const then = leaves(event);
      if (event.key === "Escape") {
        isEnded.current = true;
        onCancel();
      } else if (then !== null && !(isLarge && event.key === "Enter" && !event.ctrlKey)) {
        event.preventDefault();
        commit(then);
      }
    },
  };
  return (
    <div className={classes.place}>
      {isLarge ? (
        <textarea {...common} data-large onChange={(event) => setValue(event.currentTarget.value)} />
      ) : (
        <input {...common} onChange={(event) => setValue(event.currentTarget.value)} />
      )}
      {reason !== null && (
        <div id={id} role="alert" className={`${classes.below} ${classes.reason}`}>
          {reason}
        </div>
      )}
      {isLarge && reason === null && <div className={classes.below}>{t("Ctrl-Enter saves, Escape goes back.")}</div>}
    </div>
  );
}

function ChoiceEditor({ column, text, choices, onCommit, onCancel }: CellEditorProps & { choices: readonly string[] }) {
  const typed = choices.find((choice) => choice.toLowerCase().startsWith(text.toLowerCase()));
  const [value, setValue] = useState(text === "" ? "" : (typed ?? ""));
  const isEnded = useRef(false);
  const commit = (then: Direction | "stay") => {
    if (isEnded.current) return;
    const parsed = parse(value, column, locale);
    isEnded.current = true;
    if ("reason" in parsed) onCancel();
    else onCommit(parsed.value, then);
  };
  return (
    <select
      className={classes.editor}
      aria-label={column.name}
      // biome-ignore lint/a11y/noAutofocus: an editor opens where the person works
      autoFocus
      value={value}
      onChange={(event) => setValue(event.currentTarget.value)}
      onBlur={() => commit("stay")}
      onKeyDown={(event) => {
        event.stopPropagation();
        const then = leaves(event);
        if (event.key === "Escape") {
          isEnded.current = true;
          onCancel();
        } else if (then !== null) {
          event.preventDefault();
          commit(then);
        }
      }}
    >
      {(!column.isRequired || value === "") && <option value="">{t("empty")}</option>}
      {choices.map((choice) => (
        <option key={choice}>{choice}</option>
      ))}
    </select>
  );
}
