import { type Changes, type Files, type MergedFile, mergeTrees, type Text } from "./merge";

/** A saved version of an app's source. */
export type Source = { number: number; files: Files };
/** What was typed and not saved: its file, the version it began from, and when it was last changed (ms since 1970). */
export type KeptEdit = { path: string; base: number; text: Text; changedAt: number };

export type SaveState = "saved" | "unsaved" | "saving" | "offline" | "conflict" | "refused";

/** How edits meet a version that was saved since they began. */
export type Conflict = { theirs: Source; files: readonly MergedFile[] };

export type Snapshot = {
  base: Source;
  /** Files that differ from the base. */
  edits: Changes;
  state: SaveState;
  /** Why the last save was refused. */
  error: unknown;
  conflict: Conflict | null;
  /** Counts changes that did not come from an editor, which then has to show another text. */
  revision: number;
};

/** The ways of a workspace to what is outside of it. */
export type Outside = {
  /** Saves changes as the next version and returns its number. */
  save: (changes: Changes, base: number, message: string) => Promise<number>;
  load: (version?: number) => Promise<Source>;
  keep: (edit: KeptEdit) => void;
  forget: (edit: Pick<KeptEdit, "path" | "base">) => void;
  /** Tells what a failed save means. */
  failure: (error: unknown) => "offline" | "conflict" | "refused";
  now: () => number;
  /** Calls once the keys rest, and returns what gives that up. */
  soon: (tell: () => void) => () => void;
};

/**
 * Holds the files of an app as one person edits them: a saved version, and edits on top of it. Every edit is kept
 * outside at once; a save carries the version that the edits began from, and where others have saved since, it becomes a
 * conflict that is resolved file by file.
 */
export class Workspace {
  private snapshot: Snapshot;
  private readonly listeners = new Set<() => void>();
  private saving: Promise<number | null> | null = null;
  private giveUpTelling = () => {};
  /** What was sent first of all saves that had no answer: the server may have it. */
  private unanswered: { base: number; changes: Changes } | null = null;

  constructor(
    base: Source,
    private readonly outside: Outside,
  ) {
    this.snapshot = { base, edits: new Map(), state: "saved", error: null, conflict: null, revision: 0 };
  }

  readonly read = (): Snapshot => this.snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Returns a file as it is edited; null where there is none. */
  text(path: string): Text {
    const { base, edits } = this.snapshot;
    const edit = edits.get(path);
    return edit === undefined ? (base.files.get(path) ?? null) : edit;
  }

  /** Returns all files as they are edited. */
  files(): Map<string, string> {
    const files = new Map(this.snapshot.base.files);
    for (const [path, text] of this.snapshot.edits) {
      if (text === null) files.delete(path);
      else files.set(path, text);
    }
    return files;
  }

  /** Takes what was typed. */
  edit(path: string, text: Text): void {
    const { base, edits, state } = this.snapshot;
    const changed = new Map(edits);
    if (text === (base.files.get(path) ?? null)) {
      changed.delete(path);
      this.outside.forget({ path, base: base.number });
    } else {
      changed.set(path, text);
      this.outside.keep({ path, base: base.number, text, changedAt: this.outside.now() });
    }
    const busy = state === "saving" || state === "offline" || state === "conflict";
    const next = busy ? state : stateOf(changed);
    this.snapshot = { ...this.snapshot, edits: changed, state: next };
    // The editor shows each key by itself; everything around it is drawn again once the keys rest.
    if (next === state && changed.size === edits.size) this.tellSoon();
    else this.tell();
  }

  /** Takes edits from outside of an editor. */
  replace(changes: Changes): void {
    for (const [path, text] of changes) this.edit(path, text);
    this.set({ revision: this.snapshot.revision + 1 });
  }

  /** Gives up edits: all, or those of some files. */
  discard(paths: Iterable<string> = this.snapshot.edits.keys()): void {
    this.replace(new Map([...paths].map((path) => [path, this.snapshot.base.files.get(path) ?? null])));
    if (this.snapshot.edits.size === 0) this.set({ state: "saved", error: null, conflict: null });
  }

  /**
   * Goes on with edits that were kept before. Those of the newest base are taken, with that version below them, so that a
   * save sees what others have saved since. Returns them.
   */
  async resume(kept: readonly KeptEdit[]): Promise<readonly KeptEdit[]> {
    const newest = [...kept].sort((one, other) => other.changedAt - one.changedAt)[0];
    if (newest === undefined) return [];
    const taken = kept.filter(({ base }) => base === newest.base);
    let { base } = this.snapshot;
    if (newest.base !== base.number) base = await this.outside.load(newest.base);
    const edits = new Map(taken.map(({ path, text }) => [path, text]));
    for (const [path, text] of edits) {
      if (text !== (base.files.get(path) ?? null)) continue;
      edits.delete(path);
      this.outside.forget({ path, base: base.number });
    }
    this.set({ base, edits, state: stateOf(edits), revision: this.snapshot.revision + 1 });
    return taken.filter(({ path }) => edits.has(path));
  }

  /** Takes a version that others have saved, unless it touches what is edited here: a save will then ask to merge. */
  rebase(latest: Source): void {
    const { base, edits, conflict } = this.snapshot;
    if (latest.number <= base.number || this.saving !== null || conflict !== null) return;
    if (mergeTrees(base.files, edits, latest.files).some(({ base: before, theirs }) => before !== theirs)) return;
    this.move(latest, edits);
    this.set({ revision: this.snapshot.revision + 1 });
  }

  /** Saves all edits as a version. Returns its number, or null when they are not saved: the state says why. */
  save(message = ""): Promise<number | null> {
    return this.commit(this.snapshot.edits, message);
  }

  /** Saves some changes as a version, while other edits stay. One save at a time; a second one waits for the first. */
  async commit(changes: Changes, message: string): Promise<number | null> {
    if (this.saving !== null) await this.saving;
    if (changes.size === 0 && this.snapshot.edits.size === 0) return this.snapshot.base.number;
    if (this.snapshot.conflict !== null) return null;
    this.saving = this.send(changes, message).finally(() => {
      this.saving = null;
    });
    return this.saving;
  }

  private async send(changes: Changes, message: string): Promise<number | null> {
    const { base } = this.snapshot;
    this.set({ state: "saving", error: null });
    try {
      const number = await this.outside.save(changes, base.number, message);
      const files = new Map(base.files);
      for (const [path, text] of changes) {
        if (text === null) files.delete(path);
        else files.set(path, text);
      }
      this.unanswered = null;
      this.move({ number, files }, this.snapshot.edits);
      return number;
    } catch (error) {
      const failure = this.outside.failure(error);
      if (failure === "conflict") return this.meet(changes);
      if (failure === "offline") this.unanswered ??= { base: base.number, changes };
      this.set({ state: failure, error });
      return null;
    }
  }

  /** Loads what was saved since and compares it with the edits here. Returns a version that is one's own. */
  private async meet(changes: Changes): Promise<number | null> {
    const { base, edits } = this.snapshot;
    const all = new Map([...edits, ...changes]);
    try {
      const theirs = await this.outside.load();
      if (this.isOwn(theirs, changes)) {
        this.unanswered = null;
        this.move(theirs, all);
        return this.snapshot.edits.size === 0 ? theirs.number : this.send(this.snapshot.edits, "");
      }
      this.unanswered = null;
      this.set({
        edits: all,
        state: "conflict",
        conflict: { theirs, files: mergeTrees(base.files, all, theirs.files) },
      });
    } catch (error) {
      this.set({ edits: all, state: this.outside.failure(error) === "offline" ? "offline" : "refused", error });
    }
    return null;
  }

  /** Tells whether a version is what was sent from here, and its answer was lost. */
  private isOwn(version: Source, changes: Changes): boolean {
    const sent = this.unanswered?.changes ?? changes;
    if (version.number !== this.snapshot.base.number + 1) return false;
    return [...sent].every(([path, text]) => text === (version.files.get(path) ?? null));
  }

  /** Ends a conflict with what each of its files shall be, and saves that on top of what others have saved. */
  async resolve(resolved: Changes, message: string): Promise<number | null> {
    const { conflict } = this.snapshot;
    if (conflict === null) return null;
    const edits = new Map([...resolved].filter(([path, text]) => text !== (conflict.theirs.files.get(path) ?? null)));
    this.set({ conflict: null });
    this.move(conflict.theirs, edits);
    this.set({ revision: this.snapshot.revision + 1 });
    return this.commit(edits, message);
  }

  /** Puts edits on another base, and keeps them under it. */
  private move(base: Source, edits: Changes): void {
    const before = this.snapshot.base.number;
    const left = new Map([...edits].filter(([path, text]) => text !== (base.files.get(path) ?? null)));
    for (const path of new Set([...this.snapshot.edits.keys(), ...edits.keys()])) {
      const text = left.get(path);
      if (text !== undefined) this.outside.keep({ path, base: base.number, text, changedAt: this.outside.now() });
      if (text === undefined || before !== base.number) this.outside.forget({ path, base: before });
    }
    this.set({ base, edits: left, state: stateOf(left), error: null });
  }

  private set(change: Partial<Snapshot>): void {
    this.snapshot = { ...this.snapshot, ...change };
    this.tell();
  }

  private tellSoon(): void {
    this.giveUpTelling();
    this.giveUpTelling = this.outside.soon(() => this.tell());
  }

  private tell(): void {
    this.giveUpTelling();
    for (const listener of this.listeners) listener();
  }
}

function stateOf(edits: Changes): SaveState {
  return edits.size === 0 ? "saved" : "unsaved";
}
