import { pressedName } from "@/commands/keys";

/** What a key does in the grid, beside moving the selection and typing into a cell. */
export type Command =
  | "selectAll"
  | "selectRows"
  | "selectColumns"
  | "undo"
  | "redo"
  | "fillDown"
  | "find"
  | "filterBy"
  | "empty"
  | "removeRows"
  | "newRow"
  | "edit"
  | "peek"
  | "collapse";

export const commandKeys: Readonly<Record<string, Command>> = {
  "mod+a": "selectAll",
  "shift+space": "selectRows",
  "mod+space": "selectColumns",
  "mod+z": "undo",
  "mod+shift+z": "redo",
  "mod+y": "redo",
  "mod+d": "fillDown",
  "mod+f": "find",
  "mod+shift+f": "filterBy",
  "mod+backspace": "empty",
  delete: "empty",
  backspace: "empty",
  "mod+-": "removeRows",
  insert: "newRow",
  f2: "edit",
  enter: "edit",
  space: "peek",
  escape: "collapse",
};

type Pressed = Parameters<typeof pressedName>[0] & { getModifierState: (name: "AltGraph") => boolean };

/** Returns what a key does, or the character that it types into the cell; null for neither. */
export function meaningOf(event: Pressed): { command: Command } | { typed: string } | null {
  const command = commandKeys[pressedName(event) ?? ""];
  if (command !== undefined) return { command };
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
  // Many languages type letters with AltGr, which browsers tell as Ctrl and Alt.
  return event.key.length === 1 && (isPlain || event.getModifierState("AltGraph")) ? { typed: event.key } : null;
}
