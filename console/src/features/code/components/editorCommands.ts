import type { RefObject } from "react";
import type { Command } from "@/commands/registry";
import { t } from "@/i18n";
import type { CommandName } from "../editor/server/commands";
import type { EditorHandle } from "./CodeEditor";

/** The keys work in the editor; here the palette and `?` get them, too. */
export function editorCommands(editor: RefObject<EditorHandle | null>): Command[] {
  const commands: readonly (readonly [CommandName, string, string])[] = [
    ["definition", t("Go to definition"), "f12"],
    ["uses", t("Find uses"), "shift+f12"],
    ["rename", t("Rename"), "f2"],
    ["fix", t("Fix this place"), "mod+."],
    ["format", t("Format this file"), "shift+alt+f"],
  ];
  return commands.map(([name, title, keys]) => ({
    id: `code.${name}`,
    title,
    group: t("Code"),
    keys,
    run: () => editor.current?.run(name),
  }));
}
