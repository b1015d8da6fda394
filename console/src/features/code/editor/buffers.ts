import type { EditorState, Extension, StateEffect } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { languageOf } from "./languages";
import { type Mark, setMarks } from "./marks";
import { setServerProblems } from "./problems";
import type { CommandName } from "./server/commands";
import { type EditorHooks, language, stateOf } from "./state";
import { appearance } from "./theme";

type Buffer = { state: EditorState; scroll: StateEffect<unknown> | null };

/** One editor on the page and a state for each open file: text, cursor, undo, folds and scroll stay with the file. */
export class Buffers {
  private readonly view: EditorView;
  private readonly buffers = new Map<string, Buffer>();
  private readonly waitingMarks = new Map<string, readonly Mark[]>();
  private path: string | null = null;

  constructor(
    parent: HTMLElement,
    private readonly hooks: EditorHooks,
  ) {
    // With the nonce from the beginning: an editor writes its first styles when it is made.
    this.view = new EditorView({ parent, extensions: appearance });
  }

  /** Shows a file, with this text. */
  open(path: string, text: string): void {
    if (this.path !== path) {
      this.leave();
      const buffer = this.buffers.get(path);
      this.path = path;
      this.view.setState(buffer?.state ?? stateOf(path, text, this.hooks));
      if (buffer?.scroll) this.view.dispatch({ effects: buffer.scroll });
      if (buffer === undefined) void this.load(path);
      const marks = this.waitingMarks.get(path);
      if (marks !== undefined) this.view.dispatch({ effects: setMarks.of(marks) });
      this.waitingMarks.delete(path);
    }
    this.show(text);
    this.showServerProblems();
  }

  /** Forgets the states of files that are open no longer. */
  keepOnly(paths: ReadonlySet<string>): void {
    for (const path of this.buffers.keys()) if (!paths.has(path)) this.buffers.delete(path);
  }

  /** Marks lines of files, and takes away all other marks. */
  mark(marks: ReadonlyMap<string, readonly Mark[]>): void {
    this.waitingMarks.clear();
    for (const path of this.buffers.keys()) this.waitingMarks.set(path, marks.get(path) ?? []);
    for (const [path, own] of marks) this.waitingMarks.set(path, own);
    if (this.path === null) return;
    this.view.dispatch({ effects: setMarks.of(marks.get(this.path) ?? []) });
    this.waitingMarks.delete(this.path);
  }

  /** Shows what the language server says against the file that is shown. */
  showServerProblems(): void {
    if (this.path === null || !this.path.endsWith(".py")) return;
    const problems = this.hooks.server()?.problemsOf(this.path, this.view.state.doc.toString()) ?? null;
    this.view.dispatch({ effects: setServerProblems.of(problems) });
  }

  /** Does a command of the language server at the cursor. */
  async run(command: CommandName): Promise<void> {
    const { runCommand } = await import("./server/commands");
    if (this.path !== null) runCommand(command, this.view, this.path, this.hooks);
  }

  /** Puts the cursor at the beginning of a line (from 1), in the middle of the view. */
  goTo(line: number, column = 1): void {
    const at = this.view.state.doc.line(Math.min(Math.max(line, 1), this.view.state.doc.lines));
    const anchor = Math.min(at.from + column - 1, at.to);
    this.view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
    this.view.focus();
  }

  focus(): void {
    this.view.focus();
  }

  destroy(): void {
    this.view.destroy();
  }

  private leave(): void {
    if (this.path !== null) this.buffers.set(this.path, { state: this.view.state, scroll: this.view.scrollSnapshot() });
  }

  /** Changes what differs, so that cursor and undo stay. */
  private show(text: string): void {
    const doc = this.view.state.doc.toString();
    if (doc === text) return;
    let from = 0;
    while (from < doc.length && from < text.length && doc[from] === text[from]) from += 1;
    let [to, end] = [doc.length, text.length];
    while (to > from && end > from && doc[to - 1] === text[end - 1]) {
      to -= 1;
      end -= 1;
    }
    this.view.dispatch({ changes: { from, to, insert: text.slice(from, end) }, userEvent: "am.outside" });
  }

  private async serverOf(path: string): Promise<Extension> {
    return path.endsWith(".py") ? (await import("./server/extension")).serverExtension(path, this.hooks) : [];
  }

  private async load(path: string): Promise<void> {
    const [known, server] = await Promise.all([languageOf(path, this.hooks.schema), this.serverOf(path)]);
    const extension = [known, server];
    const effects = language.reconfigure(extension);
    if (this.path === path) {
      this.view.dispatch({ effects });
      return;
    }
    const buffer = this.buffers.get(path);
    if (buffer !== undefined) this.buffers.set(path, { ...buffer, state: buffer.state.update({ effects }).state });
  }
}
