import { Button, Group, Text } from "@mantine/core";
import { type ComponentType, useEffect, useRef, useState } from "react";
import { locale, t } from "@/i18n";
import { parse } from "../model/coercion";
import { indented } from "../model/display";
import classes from "./CellEditor.module.css";
import { CellPopover } from "./CellPopover";
import type { CellEditorProps, Direction } from "./editors";

type CodeText = ComponentType<{
  text: string;
  label: string;
  isJson: boolean;
  onText: (text: string) => void;
  onCommit: (then: Direction) => void;
}>;

/** Edits JSON or a long text beside its cell. Ctrl-Enter or leaving commits, Escape goes back; JSON is checked and can be set in lines. */
export function LargeEditor({ column, text, isTyped, notice, onCommit, onCancel }: CellEditorProps) {
  const isJson = column.type === "json";
  const [value, setValue] = useState(isJson && !isTyped ? (indented(text) ?? text) : text);
  const [reason, setReason] = useState<string | null>(null);
  const [formatted, setFormatted] = useState(0);
  const Code = useCodeText();
  const isEnded = useRef(false);
  const commit = (then: Direction | "stay") => {
    if (isEnded.current) return;
    const parsed = parse(value, column, locale);
    if ("reason" in parsed) return setReason(parsed.reason);
    isEnded.current = true;
    onCommit(parsed.value, then);
  };
  const cancel = () => {
    isEnded.current = true;
    onCancel();
  };
  const format = () => {
    const lines = indented(value);
    if (lines === null) return commit("stay");
    setValue(lines);
    setReason(null);
    setFormatted(formatted + 1);
  };
  const edited = { text: value, label: column.name, onText: setValue, onCommit: commit };
  return (
    <CellPopover label={t("Edit {column}", { column: column.name })} onClose={cancel} onLeave={() => commit("stay")}>
      {Code === null ? (
        // What is typed before the editor has come is in it.
        <textarea
          className={classes.waiting}
          aria-label={column.name}
          // biome-ignore lint/a11y/noAutofocus: an editor opens where the person works
          autoFocus
          value={value}
          onChange={(event) => setValue(event.currentTarget.value)}
        />
      ) : (
        <Code key={formatted} isJson={isJson} {...edited} />
      )}
      {[reason, notice].map(
        (message) =>
          message !== null && (
            <Text key={message} role="alert" size="sm" className={classes.reason}>
              {message}
            </Text>
          ),
      )}
      <Group gap="xs" mt="xs">
        <Button size="compact-sm" onClick={() => commit("stay")}>
          {t("Save")}
        </Button>
        {isJson && (
          <Button size="compact-sm" variant="default" onClick={format}>
            {t("Format")}
          </Button>
        )}
        <Text size="xs" c="dimmed">
          {t("Ctrl-Enter saves, Escape goes back.")}
        </Text>
      </Group>
    </CellPopover>
  );
}

let loaded: CodeText | null = null;

/** Returns the editor once it is loaded. */
function useCodeText(): CodeText | null {
  const [, setLoaded] = useState(loaded !== null);
  useEffect(() => {
    if (loaded !== null) return;
    let isShown = true;
    void import("./CodeText").then((module) => {
      loaded = module.CodeText;
      if (isShown) setLoaded(true);
    });
    return () => {
      isShown = false;
    };
  }, []);
  return loaded;
}
