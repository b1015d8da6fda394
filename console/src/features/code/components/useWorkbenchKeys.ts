import { useMemo } from "react";
import { type Command, useCommands } from "@/commands/registry";
import { t } from "@/i18n";

/** Offers what the editor's screen does by keys, also in the palette. */
export function useWorkbenchKeys({ onPick, onPanel }: { onPick: () => void; onPanel: () => void }): void {
  const commands = useMemo<Command[]>(() => {
    const group = t("Code");
    return [
      { id: "open file", title: t("Open a file by its name"), group, keys: "mod+p", run: onPick },
      { id: "toggle panel", title: t("Show or hide the panel below"), group, keys: "mod+j", run: onPanel },
    ];
  }, [onPick, onPanel]);
  useCommands(commands);
}
