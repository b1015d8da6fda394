import { type EditorView, showDialog } from "@codemirror/view";
import { t } from "@/i18n";
import { applied } from "./edits";
import { type LanguageServer, pathOf } from "./language-server";
import { offsetOf, positionAt } from "./positions";
import type { Edit, Fix } from "./wire";

/** A place in a file of the app: line and column count from 1. */
export type Use = { path: string; line: number; column: number };

export type ServerHooks = {
  server: () => LanguageServer | null;
  onGo: (use: Use) => void;
  onUses: (uses: readonly Use[]) => void;
  /** Changes other files than the one that is shown. */
  onEdits: (edits: ReadonlyMap<string, readonly Edit[]>) => void;
};

export type CommandName = "definition" | "uses" | "rename" | "fix" | "format";

/** Does a command at the cursor. Returns false where there is no language server. */
export function runCommand(name: CommandName, view: EditorView, path: string, hooks: ServerHooks): boolean {
  const server = hooks.server();
  if (server === null || !server.knows(path)) return false;
  server.change(path, view.state.doc.toString());
  const context = { server, view, path, hooks };
  const doing = { definition, uses, rename, fix, format }[name](context);
  doing.catch((error: unknown) => say(view, error instanceof Error ? error.message : String(error)));
  return true;
}

type Context = { server: LanguageServer; view: EditorView; path: string; hooks: ServerHooks };

async function definition({ server, view, path, hooks }: Context): Promise<void> {
  const places = await server.definitions(path, here(view));
  const own = usesOf(places)[0];
  if (own !== undefined) hooks.onGo(own);
  else if (places.length > 0) say(view, t("This is defined in the library, not in this app."));
  else say(view, t("No definition found here."));
}

async function uses({ server, view, path, hooks }: Context): Promise<void> {
  const places = usesOf(await server.uses(path, here(view)));
  if (places.length === 0) say(view, t("No uses found in this app."));
  hooks.onUses(places);
}

async function rename({ server, view, path, hooks }: Context): Promise<void> {
  const word = view.state.wordAt(view.state.selection.main.head);
  if (word === null) return;
  const { close, result } = showDialog(view, {
    label: t("New name"),
    input: { name: "name", value: view.state.sliceDoc(word.from, word.to) },
    focus: true,
    submitLabel: t("Rename"),
  });
  const form = await result;
  view.dispatch({ effects: close });
  view.focus();
  if (form === null) return;
  const name = new FormData(form).get("name");
  if (typeof name !== "string" || name.trim() === "") return;
  apply(await server.rename(path, positionAt(view.state.doc, word.from), name.trim()), view, path, hooks);
}

async function fix({ server, view, path, hooks }: Context): Promise<void> {
  const fixes = await server.fixes(path, here(view));
  const [first, ...others] = fixes;
  if (first === undefined) say(view, t("There is no fix for this place."));
  else if (others.length === 0) apply(first.edits, view, path, hooks);
  else choose(fixes, view, (chosen) => apply(chosen.edits, view, path, hooks));
}

/** Formats as one step of undo. Only what differs is changed, so that the cursor stays in its word. */
async function format({ server, view, path }: Context): Promise<void> {
  const before = view.state.doc.toString();
  const [edits, { diff }] = await Promise.all([server.format(path), import("@codemirror/merge")]).catch(
    (error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(t("Not formatted: {reason}", { reason }));
    },
  );
  // What was typed meanwhile is not what was formatted.
  if (view.state.doc.toString() !== before) return;
  const after = applied(before, edits);
  if (after === before) say(view, t("This file is formatted already."));
  else {
    const changes = diff(before, after).map(({ fromA, toA, fromB, toB }) => ({
      from: fromA,
      to: toA,
      insert: after.slice(fromB, toB),
    }));
    view.dispatch({ changes, userEvent: "format" });
  }
}

function choose(fixes: readonly Fix[], view: EditorView, onChosen: (fix: Fix) => void): void {
  showDialog(view, {
    top: false,
    focus: "button",
    content: (_view, close) => {
      const list = document.createElement("div");
      list.className = "am-fixes";
      list.setAttribute("role", "group");
      list.setAttribute("aria-label", t("Fixes"));
      for (const item of fixes.slice(0, 9)) {
        const button = list.appendChild(document.createElement("button"));
        button.type = "button";
        button.className = "cm-button";
        button.textContent = item.title;
        button.onclick = () => {
          close();
          view.focus();
          onChosen(item);
        };
      }
      return list;
    },
  });
}

function apply(edits: ReadonlyMap<string, readonly Edit[]>, view: EditorView, path: string, hooks: ServerHooks): void {
  const others = new Map<string, readonly Edit[]>();
  for (const [uri, changes] of edits) {
    const of = pathOf(uri);
    if (of === path) {
      const { doc } = view.state;
      view.dispatch({
        changes: changes.map(({ range, text }) => ({
          from: offsetOf(doc, range.start),
          to: offsetOf(doc, range.end),
          insert: text,
        })),
        userEvent: "rename",
      });
    } else if (of !== null) others.set(of, changes);
  }
  if (others.size > 0) hooks.onEdits(others);
}

function usesOf(places: readonly { uri: string; range: { start: { line: number; character: number } } }[]): Use[] {
  return places.flatMap(({ uri, range }) => {
    const path = pathOf(uri);
    return path === null ? [] : [{ path, line: range.start.line + 1, column: range.start.character + 1 }];
  });
}

function here(view: EditorView) {
  return positionAt(view.state.doc, view.state.selection.main.head);
}

function say(view: EditorView, message: string): void {
  const { close } = showDialog(view, { label: message });
  window.setTimeout(() => view.dispatch({ effects: close }), 4000);
}
