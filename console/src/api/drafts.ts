/**
 * Keeps what was typed and not saved, in the browser's IndexedDB: per user, document and the revision it started from.
 * Where the browser forbids storage, drafts last as long as the page.
 */
export type Draft = {
  user: string;
  /** A path of words that names the document: `source/3/actions/import.py`. */
  document: string;
  /** The revision that was edited. */
  base: string;
  /** What is there now, as text; documents that are no text write JSON. */
  text: string;
  /** Milliseconds since 1970. */
  changedAt: number;
};

const storeName = "drafts";
/** How long changes are collected before they are written. */
const restMs = 100;
let opened: Promise<IDBDatabase | null> | null = null;
/** The store as far as it is open now, for what cannot wait. */
let current: IDBDatabase | null = null;
const inMemory = new Map<string, Draft>();

/** Returns the drafts of a user's documents whose name begins with `prefix`, newest first. */
export async function findDrafts(user: string, prefix = ""): Promise<Draft[]> {
  const database = await open();
  // What waits to be written counts: a draft that was dropped a moment ago is none. Both are read at one moment.
  const waiting = [...pending.values()];
  const stored =
    database === null
      ? [...inMemory.values()]
      : await request<Draft[]>(
          database
            .transaction(storeName)
            .objectStore(storeName)
            .getAll(IDBKeyRange.bound([user, prefix], [user, `${prefix}\uffff`, []])),
        );
  const found = new Map(stored.map((draft) => [nameOf(keyOf(draft)), draft]));
  for (const { key, draft } of waiting) {
    if (draft === null) found.delete(nameOf(key));
    else found.set(nameOf(key), draft);
  }
  return [...found.values()]
    .filter((draft) => draft.user === user && draft.document.startsWith(prefix))
    .sort((one, other) => other.changedAt - one.changedAt);
}

/** Keeps a draft, in place of an earlier one of the same document and base. */
export function keepDraft(draft: Draft): Promise<void> {
  return write(keyOf(draft), draft);
}

/** Forgets a draft, if there is one. */
export function dropDraft(draft: Pick<Draft, "user" | "document" | "base">): Promise<void> {
  return write(keyOf(draft), null);
}

/** Forgets every draft of a user: at sign-out, the browser may be somebody else's next. */
export async function dropDrafts(user: string): Promise<void> {
  for (const draft of await findDrafts(user)) await dropDraft(draft);
}

type Key = readonly [string, string, string];
type Pending = { key: Key; draft: Draft | null };

/** The newest change of each draft that is not written yet: of many keys typed at once, only the last is. */
const pending = new Map<string, Pending>();
let writing: Promise<void> | null = null;

function write(key: Key, draft: Draft | null): Promise<void> {
  pending.set(nameOf(key), { key, draft });
  writing ??= rest()
    .then(writeAll)
    .finally(() => {
      writing = null;
    });
  return writing;
}

function rest(): Promise<void> {
  return new Promise((resolve) => globalThis.setTimeout(resolve, restMs));
}

/** Writes what waits before the page goes, without the wait. */
function writeNow(): void {
  if (current === null || pending.size === 0) return;
  const changes = [...pending.values()];
  pending.clear();
  put(current, changes);
}

// The first comes when the page is left, the second also where it is only put aside.
globalThis.addEventListener?.("beforeunload", writeNow);
globalThis.addEventListener?.("pagehide", writeNow);

async function writeAll(): Promise<void> {
  while (pending.size > 0) {
    const database = await open();
    const changes = [...pending.values()];
    pending.clear();
    if (database === null) {
      for (const { key, draft } of changes) {
        if (draft === null) inMemory.delete(nameOf(key));
        else inMemory.set(nameOf(key), draft);
      }
    } else {
      await store(database, changes);
    }
  }
}

function put(database: IDBDatabase, changes: readonly Pending[]): IDBTransaction {
  const transaction = database.transaction(storeName, "readwrite");
  const drafts = transaction.objectStore(storeName);
  for (const { key, draft } of changes) {
    if (draft === null) drafts.delete([...key]);
    else drafts.put(draft);
  }
  // Said at once: a page that goes meanwhile takes with it what was not committed.
  transaction.commit();
  return transaction;
}

async function store(database: IDBDatabase, changes: readonly Pending[]): Promise<void> {
  const transaction = put(database, changes);
  // A full disk costs the draft, not the page: the text is still in the editor, and its state says "not saved".
  await new Promise<void>((resolve) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => resolve();
  });
}

function keyOf(draft: Pick<Draft, "user" | "document" | "base">): Key {
  return [draft.user, draft.document, draft.base];
}

function nameOf(key: Key): string {
  return key.join("\0");
}

function open(): Promise<IDBDatabase | null> {
  opened ??= new Promise((resolve) => {
    if (typeof indexedDB === "undefined") {
      resolve(null);
      return;
    }
    const opening = indexedDB.open("automio", 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore(storeName, { keyPath: ["user", "document", "base"] });
    };
    opening.onsuccess = () => {
      const database = opening.result;
      current = database;
      // A later version of the console may change the store while this page is open.
      database.onversionchange = () => {
        database.close();
        opened = null;
        current = null;
      };
      resolve(database);
    };
    opening.onerror = () => resolve(null);
  });
  return opened;
}

function request<T>(asked: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}
