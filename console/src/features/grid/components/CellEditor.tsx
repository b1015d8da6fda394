import { type KeyboardEvent, useId, useRef, useState } from "react";
import { locale, t } from "@/i18n";
import { parse } from "../model/coercion";
import classes from "./CellEditor.module.css";
import { type CellEditorProps, type Direction, leaves } from "./editors";
import { LargeEditor } from "./LargeEditor";
import { ReferenceEditor } from "./ReferenceEditor";

/** Edits one cell. Enter commits and goes down, Tab to the right, Escape goes back. A bad text stays, with its reason. */
export function CellEditor(props: CellEditorProps) {
  if (props.column.reference !== null) return <ReferenceEditor {...props} />;
  const choices = props.column.type === "boolean" ? ["true", "false"] : props.column.choices;
  if (choices.length > 0) return <ChoiceEditor {...props} choices={choices} />;
  return isLarge(props) ? <LargeEditor {...props} /> : <TextEditor {...props} />;
}

function isLarge({ column, text }: CellEditorProps): boolean {
  const isLong = text.length > 60 || text.includes("\n") || column.format?.multiline === true;
  return column.type === "json" || (column.type === "text" && isLong);
}

function TextEditor({ column, text, notice, onCommit, onCancel }: CellEditorProps) {
  const [value, setValue] = useState(text);
  const [reason, setReason] = useState<string | null>(null);
  const isEnded = useRef(false);
  const id = useId();
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
  const cancel = () => {
    isEnded.current = true;
    onCancel();
  };
  const message = reason ?? notice;
  return (
    <div className={classes.place}>
      <input
        className={classes.editor}
        aria-label={column.name}
        aria-invalid={reason !== null}
        aria-describedby={message === null ? undefined : id}
        // biome-ignore lint/a11y/noAutofocus: an editor opens where the person works
        autoFocus
        value={value}
        onChange={(event) => setValue(event.currentTarget.value)}
        onBlur={() => commit("stay")}
        onKeyDown={keysOf(commit, cancel)}
      />
      {message !== null && (
        <div id={id} role="alert" className={`${classes.below} ${classes.reason}`}>
          {message}
        </div>
      )}
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
  const cancel = () => {
    isEnded.current = true;
    onCancel();
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
      onKeyDown={keysOf(commit, cancel)}
    >
      {(!column.isRequired || value === "") && <option value="">{t("empty")}</option>}
      {choices.map((choice) => (
        <option key={choice}>{choice}</option>
      ))}
    </select>
  );
}

/** Returns what the keys of an editor do: Enter and Tab commit, Escape goes back; no other reaches the grid. */
function keysOf(commit: (then: Direction) => void, cancel: () => void) {
  return (event: KeyboardEvent) => {
    event.stopPropagation();
    const then = leaves(event);
    if (event.key === "Escape") cancel();
    else if (then !== null) {
      event.preventDefault();
      commit(then);
    }
  };
}
