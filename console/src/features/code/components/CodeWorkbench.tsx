import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useApi } from "@/api/context";
import { useCommands } from "@/commands/registry";
import { Presence } from "@/features/presence";
import { t } from "@/i18n";
import { EmptyState } from "@/ui/EmptyState";
import { LoadingRows } from "@/ui/Page";
import { Workbench } from "@/ui/Workbench";
import { type Action, namesQuery } from "../api";
import type { Problem } from "../editor/problems";
import type { Use } from "../editor/server/commands";
import { applied } from "../editor/server/edits";
import type { Edit } from "../editor/server/wire";
import { fileOfEntry, sectionsOf } from "../model/files";
import { useGraphqlSchema } from "../model/use-graphql-schema";
import { useLanguageServer } from "../model/use-language-server";
import { useRun } from "../model/use-run";
import { useWorkspace } from "../model/use-workspace";
import type { Source } from "../model/workspace";
import { BottomPanel, type PanelTab } from "./BottomPanel";
import { CodeEditor, type EditorHandle } from "./CodeEditor";
import classes from "./CodeWorkbench.module.css";
import { CompletionState } from "./CompletionState";
import { editorCommands } from "./editorCommands";
import type { Asked } from "./FileDialogs";
import { Files } from "./Files";
import { FileTabs } from "./FileTabs";
import { Notices } from "./Notices";
import { type RunOf, RunPanel, type RunPanelHandle } from "./RunPanel";
import { ReadOnly, SaveState } from "./SaveState";
import { useFailureMarks } from "./useFailureMarks";
import { useWorkbenchKeys } from "./useWorkbenchKeys";

type Props = {
  app: number;
  user: number;
  /** Whether the person may change the source. */
  canBuild: boolean;
  source: Source;
  actions: readonly Action[];
  path: string | null;
  line?: number | undefined;
  title: string;
  breadcrumb: ReactNode;
  tabs?: ReactNode;
  onOpen: (path: string | null, line?: number) => void;
};

// Most who edit neither compare nor merge: what shows two texts side by side comes when it is needed.
const ConflictView = lazy(async () => ({ default: (await import("./ConflictView")).ConflictView }));
const HistoryView = lazy(async () => ({ default: (await import("./HistoryView")).HistoryView }));
const FilePicker = lazy(async () => ({ default: (await import("./FilePicker")).FilePicker }));

const noNames = { tables: [], integrations: [] };

/** Files, the editor of one, the form that runs it, and below what the run says. */
export function CodeWorkbench({ app, user, canBuild, source, actions, path, line, onOpen, ...frame }: Props) {
  const { workspace, snapshot, isReady, resumed, dismiss } = useWorkspace({ app, user, source });
  const names = useQuery(namesQuery(useApi(), app));
  const schema = useGraphqlSchema(app);
  const running = useRun();
  const editor = useRef<EditorHandle>(null);
  const form = useRef<RunPanelHandle>(null);
  const [asked, setAsked] = useState<Asked | null>(null);
  const [open, setOpen] = useState<readonly string[]>([]);
  const [panel, setPanel] = useState<PanelTab>("output");
  const [problems, setProblems] = useState<readonly Problem[]>([]);
  const [uses, setUses] = useState<readonly Use[]>([]);
  const [chosen, setChosen] = useState<number | null>(null);
  const [isSaving, setSaving] = useState(false);
  const [isPicking, setPicking] = useState(false);
  const [hasPanel, setHasPanel] = useState(true);
  const pick = useCallback(() => setPicking(true), []);
  useWorkbenchKeys({ onPick: pick, onPanel: useCallback(() => setHasPanel((before) => !before), []) });

  // biome-ignore lint/correctness/useExhaustiveDependencies: the workspace's files change with its snapshot
  const files = useMemo(() => workspace.files(), [workspace, snapshot]);
  const names_ = useMemo(() => [...files.keys()].join("\n"), [files]);
  const paths = useMemo(() => new Set(names_ === "" ? [] : names_.split("\n")), [names_]);
  const changed = useMemo(() => new Set(snapshot.edits.keys()), [snapshot.edits]);
  const sections = useMemo(
    () =>
      sectionsOf(
        paths,
        actions.map(({ entry }) => entry),
      ),
    [paths, actions],
  );
  const openPaths = useMemo(
    () => [...new Set([...open, ...(path === null ? [] : [path])])].filter((item) => paths.has(item)),
    [open, path, paths],
  );
  const own = actions.filter(({ entry }) => fileOfEntry(entry) === path);
  const action = own.find(({ id }) => id === chosen) ?? own[0];
  const text = path === null ? null : workspace.text(path);
  const texts = useMemo(() => {
    const edited = [...snapshot.edits].flatMap(([of, now]) => (now === null ? [] : [[of, now] as const]));
    return new Map([...(path === null || text === null ? [] : [[path, text] as const]), ...edited]);
  }, [snapshot.edits, path, text]);
  const showProblems = useRef((of: string) => {
    if (of === shownPath.current) editor.current?.showServerProblems();
  });
  const shownPath = useRef(path);
  shownPath.current = path;
  const { server, state } = useLanguageServer({ app, canBuild, texts, onProblems: showProblems });

  const openFile = (next: string | null, at?: number) => {
    setOpen(openPaths);
    setProblems([]);
    if (next === path && at !== undefined) editor.current?.goTo(at);
    else onOpen(next, at);
  };
  const atColumn = useRef(1);
  const go = ({ path: to, line: at, column }: Use) => {
    if (to === path) editor.current?.goTo(at, column);
    else {
      atColumn.current = column;
      openFile(to, at);
    }
  };
  const editOthers = (edits: ReadonlyMap<string, readonly Edit[]>) => {
    const texts = [...edits].flatMap(([of, changes]) => {
      const before = workspace.text(of);
      return before === null ? [] : [[of, applied(before, changes)] as const];
    });
    workspace.replace(new Map(texts));
  };
  const close = (closed: string) => {
    const left = openPaths.filter((item) => item !== closed);
    setOpen(left);
    if (closed === path) onOpen(left.at(-1) ?? null);
  };
  const run = async (input: Record<string, unknown>, of: RunOf, rows: readonly string[]) => {
    if (action === undefined) return;
    let version: number | null = null;
    if (of === "saved") {
      setSaving(true);
      version = await workspace.save().finally(() => setSaving(false));
      if (version === null) return;
    }
    setPanel("output");
    setHasPanel(true);
    running.starting.mutate({
      action: action.id,
      version,
      input,
      rows,
      draft: of === "draft" ? workspace.read().edits : null,
    });
  };

  useEffect(() => {
    if (line !== undefined && isReady) editor.current?.goTo(line, atColumn.current);
    atColumn.current = 1;
  }, [line, isReady]);
  useFailureMarks(editor, running, paths, () => setPanel("result"));

  useCommands(useMemo(() => (server === null ? [] : editorCommands(editor)), [server]));

  const isMerging = snapshot.conflict !== null;
  return (
    <Workbench
      name="code"
      help="/help/scripts"
      asCode={null}
      {...frame}
      state={
        canBuild ? (
          <>
            <SaveState snapshot={snapshot} />
            <CompletionState state={state} />
            {path !== null && <Presence app={app} document={`source/${path}`} />}
          </>
        ) : (
          <ReadOnly version={snapshot.base.number} />
        )
      }
      actions={
        canBuild && (
          <Button
            variant="default"
            disabled={snapshot.edits.size === 0 || isMerging}
            onClick={() => setAsked({ kind: "version" })}
          >
            {t("Save version…")}
          </Button>
        )
      }
      side={
        <Files
          app={app}
          workspace={workspace}
          actions={actions}
          sections={sections}
          path={path}
          canBuild={canBuild}
          changed={changed}
          files={files}
          asked={asked}
          onAsk={setAsked}
          onOpen={openFile}
        />
      }
      inspector={
        action !== undefined && !isMerging ? (
          <RunPanel
            key={action.id}
            ref={form}
            actions={own}
            action={action}
            version={snapshot.base.number}
            isDirty={snapshot.edits.size > 0}
            canBuild={canBuild}
            isStarting={isSaving || running.starting.isPending}
            error={running.starting.error}
            onChoose={setChosen}
            onRun={(input, of, rows) => void run(input, of, rows)}
          />
        ) : undefined
      }
      panel={
        isMerging || !hasPanel ? undefined : (
          <BottomPanel
            tab={panel}
            onTab={setPanel}
            running={running}
            problems={problems}
            uses={uses}
            onUse={go}
            paths={paths}
            onOpen={openFile}
            onProblem={(problem) => editor.current?.goTo(problem.line, problem.column)}
            history={() =>
              path !== null && (
                <Suspense fallback={<LoadingRows />}>
                  <HistoryView key={path} app={app} workspace={workspace} path={path} />
                </Suspense>
              )
            }
          />
        )
      }
    >
      {isPicking && (
        <Suspense>
          <FilePicker paths={paths} onOpen={(picked) => openFile(picked)} onClose={() => setPicking(false)} />
        </Suspense>
      )}
      <Notices snapshot={snapshot} workspace={workspace} resumed={resumed} onDismiss={dismiss} />
      {isMerging && (
        <Suspense fallback={<LoadingRows />}>
          <ConflictView workspace={workspace} snapshot={snapshot} />
        </Suspense>
      )}
      {!isMerging && openPaths.length > 0 && (
        <FileTabs paths={openPaths} path={path} changed={changed} onOpen={openFile} onClose={close} />
      )}
      {!isMerging && isReady && path !== null && text !== null && (
        <div className={classes.editor}>
          <CodeEditor
            ref={editor}
            path={path}
            textOf={(of) => workspace.text(of)}
            revision={snapshot.revision}
            openPaths={openPaths}
            names={names.data ?? noNames}
            schema={schema}
            server={server}
            onGo={go}
            onUses={(places) => {
              setUses(places);
              setPanel(places.length > 0 ? "uses" : panel);
            }}
            onEdits={editOthers}
            onText={(of, typed) => workspace.edit(of, typed)}
            onProblems={setProblems}
            isReadOnly={!canBuild}
            onSave={() => canBuild && void workspace.save()}
            onRun={() => form.current?.run()}
          />
        </div>
      )}
      {!isMerging && isReady && text === null && (
        <EmptyState
          title={path === null ? t("Choose a file") : t("There is no file {path}", { path })}
          action={canBuild && <Button onClick={() => setAsked({ kind: "new-action" })}>{t("New action")}</Button>}
        >
          {t(
            "Actions are Python scripts that work on the tables of this app. A new one begins with an example that works.",
          )}
        </EmptyState>
      )}
    </Workbench>
  );
}
