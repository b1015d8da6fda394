import { Connection, type ServerState } from "./connection";
import {
  type Edit,
  type Fix,
  type Item,
  type Location,
  type Position,
  readDocumentation,
  readEdits,
  readEditsOfText,
  readFixes,
  readHover,
  readItems,
  readLocations,
  readProblems,
  readSignature,
  type ServerProblem,
  type Signature,
} from "./wire";

const root = "file:///automio/bundle/source/";
/** More unsaved files than anybody edits; opening them after a reconnection must not count as a flood. */
const maxDocuments = 40;
const isPython = /\.pyi?$/;

export type ServerEvents = {
  onState: (state: ServerState) => void;
  onProblems: (path: string) => void;
};

/** Returns the path of a file of the app; null for what is outside, such as the library. */
export function pathOf(uri: string): string | null {
  return uri.startsWith(root) ? uri.slice(root.length) : null;
}

export function uriOf(path: string): string {
  return root + path;
}

/** Knows the code of one app by its language server, which is told what is open and unsaved here. */
export class LanguageServer {
  private readonly connection: Connection;
  private readonly documents = new Map<string, { version: number; text: string }>();
  private readonly problems = new Map<string, readonly ServerProblem[]>();
  private version = 0;

  constructor(
    organization: string,
    app: number,
    private readonly events: ServerEvents,
  ) {
    const url = new URL(`/api/apps/${app}/language-server/`, window.location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("organization", organization);
    this.connection = new Connection(url, {
      onState: (state) => this.changed(state),
      onReady: () => this.opened(),
      onNotification: (method, params) => this.notified(method, params),
    });
    this.connection.wake();
  }

  /** Tells whether this file can be asked about now, once its text is told (`change`). */
  knows(path: string): boolean {
    return this.connection.isReady && isPython.test(path);
  }

  /** Tells the server which texts differ from the saved version, or are shown. */
  show(texts: ReadonlyMap<string, string>): void {
    const shown = new Map([...texts].filter(([path]) => isPython.test(path)).slice(0, maxDocuments));
    for (const path of this.documents.keys()) {
      if (shown.has(path)) continue;
      this.documents.delete(path);
      this.problems.delete(path);
      this.connection.notify("textDocument/didClose", { textDocument: { uri: uriOf(path) } });
    }
    for (const [path, text] of shown) this.change(path, text);
  }

  /** Tells the server a text as it is now. */
  change(path: string, text: string): void {
    const known = this.documents.get(path);
    if (known?.text === text) return;
    this.connection.wake();
    this.version += 1;
    this.documents.set(path, { version: this.version, text });
    if (known === undefined) this.open(path);
    else {
      const textDocument = { uri: uriOf(path), version: this.version };
      this.connection.notify("textDocument/didChange", { textDocument, contentChanges: [{ text }] });
    }
  }

  /** Returns what the server says against a text; null when it does not know that text. */
  problemsOf(path: string, text: string): readonly ServerProblem[] | null {
    return this.documents.get(path)?.text === text ? (this.problems.get(path) ?? null) : null;
  }

  async complete(path: string, position: Position): Promise<Item[]> {
    return readItems(await this.ask("completion", path, { position, context: { triggerKind: 1 } }));
  }

  async describe(item: Item): Promise<string> {
    if (item.documentation !== "") return item.documentation;
    return readDocumentation(await this.connection.request("completionItem/resolve", Object(item.raw)));
  }

  async hover(path: string, position: Position): Promise<string> {
    return readHover(await this.ask("hover", path, { position }));
  }

  async signature(path: string, position: Position): Promise<Signature | null> {
    const context = { triggerKind: 1, isRetrigger: false };
    return readSignature(await this.ask("signatureHelp", path, { position, context }));
  }

  async definitions(path: string, position: Position): Promise<Location[]> {
    return readLocations(await this.ask("definition", path, { position }));
  }

  async uses(path: string, position: Position): Promise<Location[]> {
    return readLocations(await this.ask("references", path, { position, context: { includeDeclaration: true } }));
  }

  async rename(path: string, position: Position, newName: string): Promise<ReturnType<typeof readEdits>> {
    return readEdits(await this.ask("rename", path, { position, newName }));
  }

  async fixes(path: string, position: Position): Promise<Fix[]> {
    const range = { start: position, end: position };
    return readFixes(await this.ask("codeAction", path, { range, context: { diagnostics: [], only: ["quickfix"] } }));
  }

  /** Returns the edits that format a text; rejects with the reason where it cannot be read. */
  async format(path: string): Promise<Edit[]> {
    const options = { tabSize: 4, insertSpaces: true };
    return readEditsOfText(await this.ask("formatting", path, { options }));
  }

  close(): void {
    this.connection.close();
  }

  private ask(method: string, path: string, params: object): Promise<unknown> {
    return this.connection.request(`textDocument/${method}`, { textDocument: { uri: uriOf(path) }, ...params });
  }

  private opened(): void {
    for (const path of this.documents.keys()) this.open(path);
  }

  private open(path: string): void {
    const document = this.documents.get(path);
    if (document === undefined) return;
    const textDocument = { uri: uriOf(path), languageId: "python", ...document };
    this.connection.notify("textDocument/didOpen", { textDocument });
  }

  private notified(method: string, params: Record<string, unknown>): void {
    if (method !== "textDocument/publishDiagnostics") return;
    const path = pathOf(String(params.uri));
    const document = path === null ? undefined : this.documents.get(path);
    if (path === null || document === undefined) return;
    if (typeof params.version === "number" && params.version !== document.version) return;
    this.problems.set(path, readProblems(params));
    this.events.onProblems(path);
  }

  private changed(state: ServerState): void {
    if (state !== "ready") {
      const paths = [...this.problems.keys()];
      this.problems.clear();
      for (const path of paths) this.events.onProblems(path);
    }
    this.events.onState(state);
  }
}
