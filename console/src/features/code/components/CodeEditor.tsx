import { VisuallyHidden } from "@mantine/core";
import { type Ref, useEffect, useImperativeHandle, useRef } from "react";
import { t } from "@/i18n";
import { Buffers } from "../editor/buffers";
import type { Schema } from "../editor/graphql/language";
import type { Mark } from "../editor/marks";
import { type Problem, problemsOf } from "../editor/problems";
import type { CommandName, ServerHooks } from "../editor/server/commands";
import type { LanguageServer } from "../editor/server/language-server";
import { describedBy } from "../editor/state";
import type { Names } from "../model/names";
import classes from "./CodeEditor.module.css";

export type EditorHandle = {
  goTo: (line: number, column?: number) => void;
  mark: (marks: ReadonlyMap<string, readonly Mark[]>) => void;
  focus: () => void;
  run: (command: CommandName) => void;
  showServerProblems: () => void;
};

type Props = {
  ref?: Ref<EditorHandle>;
  path: string;
  /** Returns a file's text as it is now: a key may come between what is drawn and what is shown. */
  textOf: (path: string) => string | null;
  /** Changes whenever the text is another for a reason outside of this editor. */
  revision: number;
  openPaths: readonly string[];
  names: Names;
  schema: Schema;
  /** Knows the code; null where this person may not have one. */
  server: LanguageServer | null;
  onGo: ServerHooks["onGo"];
  onUses: ServerHooks["onUses"];
  onEdits: ServerHooks["onEdits"];
  isReadOnly: boolean;
  onText: (path: string, text: string) => void;
  onProblems: (problems: readonly Problem[]) => void;
  onSave: () => void;
  onRun: () => void;
};

/** Edits one of the open files; each keeps its cursor, undo and scroll while another is shown. */
export function CodeEditor({ ref, path, revision, openPaths, ...hooks }: Props) {
  const over = useRef<HTMLDivElement>(null);
  const place = useRef<HTMLDivElement>(null);
  const buffers = useRef<Buffers | null>(null);
  // The editor lives outside of React and always calls what was given last.
  const latest = useRef(hooks);
  latest.current = hooks;

  useEffect(() => {
    if (place.current === null || over.current === null) return;
    let listed = "";
    const made = new Buffers(place.current, {
      over: over.current,
      isReadOnly: latest.current.isReadOnly,
      names: () => latest.current.names,
      server: () => latest.current.server,
      schema: () => latest.current.schema(),
      onGo: (use) => latest.current.onGo(use),
      onUses: (uses) => latest.current.onUses(uses),
      onEdits: (edits) => latest.current.onEdits(edits),
      onText: (changed, typed) => latest.current.onText(changed, typed),
      onSave: () => latest.current.onSave(),
      onRun: () => latest.current.onRun(),
      onUpdate: ({ state }) => {
        const problems = problemsOf(state);
        const next = JSON.stringify(problems);
        if (next === listed) return;
        listed = next;
        latest.current.onProblems(problems);
      },
    });
    buffers.current = made;
    return () => {
      buffers.current = null;
      made.destroy();
    };
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: what is typed comes from the editor itself
  useEffect(() => buffers.current?.open(path, latest.current.textOf(path) ?? ""), [path, revision]);
  useEffect(() => buffers.current?.keepOnly(new Set(openPaths)), [openPaths]);

  useImperativeHandle(
    ref,
    () => ({
      goTo: (line, column) => buffers.current?.goTo(line, column),
      mark: (marks) => buffers.current?.mark(marks),
      focus: () => buffers.current?.focus(),
      run: (command) => void buffers.current?.run(command),
      showServerProblems: () => buffers.current?.showServerProblems(),
    }),
    [],
  );

  return (
    <div className={classes.editor}>
      <VisuallyHidden id={describedBy}>
        {t(
          "Tab indents. To leave the editor, press Escape, then Tab. F8 goes to the next problem, F12 to a definition.",
        )}
      </VisuallyHidden>
      <div ref={place} className={classes.place} data-testid="editor" />
      <div ref={over} className={classes.over} />
    </div>
  );
}
