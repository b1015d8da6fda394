import { ActionIcon, Group, Tooltip } from "@mantine/core";
import IconFilePlus from "@tabler/icons-react/icons/IconFilePlus";
import IconPlus from "@tabler/icons-react/icons/IconPlus";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useApi } from "@/api/context";
import { t } from "@/i18n";
import { type Action, changeEntry, createAction, loadSource } from "../api";
import { exampleOfAction, fileOfEntry, importersOf, type Section } from "../model/files";
import type { Files as FileMap } from "../model/merge";
import type { Workspace } from "../model/workspace";
import { type Asked, FileDialog } from "./FileDialogs";
import classes from "./Files.module.css";
import { FileTree } from "./FileTree";

type Props = {
  app: number;
  workspace: Workspace;
  actions: readonly Action[];
  sections: readonly Section[];
  path: string | null;
  /** Whether the person may create, rename and delete files. */
  canBuild: boolean;
  changed: ReadonlySet<string>;
  files: FileMap;
  asked: Asked | null;
  onAsk: (asked: Asked | null) => void;
  onOpen: (path: string | null) => void;
};

class NotSaved extends Error {}

/** The tree of files, and what makes, renames and deletes them: each as a version of its own. */
export function Files({ app, workspace, actions, sections, path, canBuild, changed, files, ...props }: Props) {
  const { asked, onAsk, onOpen } = props;
  const api = useApi();
  const cache = useQueryClient();
  const begunIn = (file: string) => actions.filter(({ entry }) => fileOfEntry(entry) === file);
  const doing = useMutation({
    mutationFn: async ({ what, text }: { what: Asked; text: string }): Promise<string | null> => {
      if (what.kind === "new-action") {
        const action = await createAction(api, app, { name: text, code: exampleOfAction(null) });
        await cache.invalidateQueries({ queryKey: ["actions", app] });
        workspace.rebase(await loadSource(api, app));
        return fileOfEntry(action.entry);
      }
      if (what.kind === "new-file") {
        workspace.edit(text, "");
        return text;
      }
      if (what.kind === "version") {
        await commit(workspace.save(text));
        return path;
      }
      if (what.kind === "delete") {
        await commit(workspace.commit(new Map([[what.path, null]]), t("Deleted {path}", { path: what.path })));
        return what.path === path ? null : path;
      }
      const moved = new Map([
        [what.path, null],
        [text, files.get(what.path) ?? ""],
      ]);
      const began = begunIn(what.path);
      await commit(workspace.commit(moved, t("Renamed {path} to {text}", { path: what.path, text })));
      for (const { id, entry } of began) await changeEntry(api, id, entry.replace(what.path, text));
      if (began.length > 0) await cache.invalidateQueries({ queryKey: ["actions", app] });
      return what.path === path ? text : path;
    },
    onSuccess: (next) => {
      onAsk(null);
      if (next !== path) onOpen(next);
    },
    // Why a save failed stands above the editor.
    onError: (error) => error instanceof NotSaved && onAsk(null),
  });
  const usedBy =
    asked?.kind === "rename" || asked?.kind === "delete"
      ? [
          ...(asked.kind === "delete" ? begunIn(asked.path).map(({ name }) => t("action {name}", { name })) : []),
          ...importersOf(asked.path, files),
        ]
      : [];
  return (
    <>
      <Group className={classes.head} gap={4}>
        <h2 className={classes.title}>{t("Files")}</h2>
        {canBuild && (
          <>
            <Tooltip label={t("New action")}>
              <ActionIcon
                variant="subtle"
                size={24}
                aria-label={t("New action")}
                onClick={() => onAsk({ kind: "new-action" })}
              >
                <IconPlus size={16} aria-hidden />
              </ActionIcon>
            </Tooltip>
            <Tooltip label={t("New file")}>
              <ActionIcon
                variant="subtle"
                size={24}
                aria-label={t("New file")}
                onClick={() => onAsk({ kind: "new-file" })}
              >
                <IconFilePlus size={16} aria-hidden />
              </ActionIcon>
            </Tooltip>
          </>
        )}
      </Group>
      <FileTree
        sections={sections}
        path={path}
        changed={changed}
        onOpen={onOpen}
        onRename={(of) => canBuild && onAsk({ kind: "rename", path: of })}
        onDelete={(of) => canBuild && onAsk({ kind: "delete", path: of })}
      />
      {asked !== null && (
        <FileDialog
          key={asked.kind}
          asked={asked}
          paths={[...files.keys()]}
          usedBy={usedBy}
          error={doing.error}
          isPending={doing.isPending}
          onClose={() => {
            doing.reset();
            onAsk(null);
          }}
          onDone={(what, text) => doing.mutate({ what, text })}
        />
      )}
    </>
  );
}

async function commit(saved: Promise<number | null>): Promise<void> {
  if ((await saved) === null) throw new NotSaved();
}
