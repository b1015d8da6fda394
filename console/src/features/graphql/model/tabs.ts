import { useEffect, useRef, useState } from "react";
import { dropDraft, findDrafts, keepDraft } from "@/api/drafts";
import { isRecord } from "@/api/graphql";

export type Tab = { id: string; query: string; variables: string };

/**
 * Holds the tabs of one window. Each keeps its text in this browser, and belongs to one window at a time: two that
 * show the same app never write over each other. Null until they are known.
 */
export function useTabs(user: string, app: string, first: string) {
  const [tabs, setTabs] = useState<readonly Tab[] | null>(null);
  const [active, setActive] = useState("");
  const window = useRef<AbortSignal | null>(null);
  const prefix = `graphql/${app}/`;
  const beginning = useRef(first);
  useEffect(() => {
    const ending = new AbortController();
    window.current = ending.signal;
    void load(user, prefix, ending.signal).then((loaded) => {
      if (ending.signal.aborted) return;
      const found = loaded.length > 0 ? loaded : [makeTab(beginning.current)];
      if (loaded.length === 0 && found[0] !== undefined) void claim(prefix + found[0].id, ending.signal);
      setTabs(found);
      setActive(found.at(-1)?.id ?? "");
    });
    return () => ending.abort();
  }, [user, prefix]);
  const keep = (tab: Tab) =>
    keepDraft({
      ...{ user, document: prefix + tab.id, base: "", changedAt: Date.now() },
      text: JSON.stringify({ query: tab.query, variables: tab.variables }),
    });
  return {
    tabs,
    active: tabs?.find(({ id }) => id === active) ?? tabs?.[0] ?? null,
    open: setActive,
    add: (query = "", variables = "") => {
      const tab = { ...makeTab(query), variables };
      if (window.current !== null) void claim(prefix + tab.id, window.current);
      if (query !== "") void keep(tab);
      setTabs((before) => [...(before ?? []), tab]);
      setActive(tab.id);
    },
    write: (id: string, change: Partial<Omit<Tab, "id">>) =>
      setTabs((before) =>
        (before ?? []).map((tab) => {
          if (tab.id !== id) return tab;
          const changed = { ...tab, ...change };
          void keep(changed);
          return changed;
        }),
      ),
    close: (id: string) => {
      void dropDraft({ user, document: prefix + id, base: "" });
      const left = (tabs ?? []).filter((tab) => tab.id !== id);
      const [only] = left.length > 0 ? [] : [makeTab("")];
      if (only !== undefined && window.current !== null) void claim(prefix + only.id, window.current);
      setTabs(only === undefined ? left : [only]);
    },
  };
}

export type Tabs = ReturnType<typeof useTabs>;

async function load(user: string, prefix: string, until: AbortSignal): Promise<Tab[]> {
  const tabs: Tab[] = [];
  for (const draft of await findDrafts(user, prefix)) {
    const tab = readTab(draft.document.slice(prefix.length), draft.text);
    if (tab !== null && (await claim(draft.document, until))) tabs.push(tab);
  }
  // Ids begin with the time they were made at.
  return tabs.sort((one, other) => one.id.localeCompare(other.id));
}

function readTab(id: string, text: string): Tab | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? { id, query: String(value.query ?? ""), variables: String(value.variables ?? "") } : null;
  } catch {
    return null;
  }
}

function makeTab(query: string): Tab {
  return { id: `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`, query, variables: "" };
}

/** Takes a tab for this window until `until` ends; false when another window has it. */
function claim(name: string, until: AbortSignal): Promise<boolean> {
  // Only pages of a secure origin have locks; elsewhere the last window to write wins, as in other editors.
  if (!("locks" in navigator)) return Promise.resolve(true);
  return new Promise((resolve) => {
    void navigator.locks.request(`automio ${name}`, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      if (lock === null || until.aborted) return undefined;
      return new Promise<void>((release) => {
        until.addEventListener("abort", () => release());
      });
    });
  });
}
