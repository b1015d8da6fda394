import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, useSyncExternalStore } from "react";
import type { Api } from "@/api/client";
import { useApi } from "@/api/context";
import { dropDraft, findDrafts, keepDraft } from "@/api/drafts";
import { ApiError, NetworkError } from "@/api/errors";
import { loadSource, saveChanges } from "../api";
import { type KeptEdit, type Source, Workspace } from "./workspace";

const firstRetry = 2_000;
const lastRetry = 30_000;
const typingMs = 120;
const kinds = { text: "text", removed: "removed" } as const;

type Opened = { workspace: Workspace; resuming: Promise<readonly KeptEdit[]> };
type Owner = { app: number; user: number };

/** Workspaces that are open: going to another screen and back finds the same one. They go with the organization's API. */
const opened = new WeakMap<Api, Map<number, Opened>>();

/** Opens an app's source to one person: with what they typed before and did not save, and with retries while offline. */
export function useWorkspace({ app, user, source }: Owner & { source: Source }) {
  const api = useApi();
  const cache = useQueryClient();
  const { workspace, resuming } = open({ api, cache, app, user, source });
  const [resumed, setResumed] = useState<readonly KeptEdit[]>([]);
  const [isReady, setReady] = useState(false);

  useEffect(() => {
    let isGone = false;
    void resuming.then((taken) => {
      if (isGone) return;
      setResumed(taken);
      setReady(true);
    });
    return () => {
      isGone = true;
    };
  }, [resuming]);

  useEffect(() => workspace.rebase(source), [workspace, source]);
  const snapshot = useSyncExternalStore(workspace.subscribe, workspace.read);
  useRetries(workspace, snapshot.state === "offline");

  const dismiss = () => {
    setResumed([]);
    const own = opened.get(api)?.get(app);
    if (own !== undefined) own.resuming = Promise.resolve([]);
  };
  return { workspace, snapshot, isReady, resumed, dismiss };
}

function open({ api, cache, app, user, source }: Owner & { api: Api; cache: QueryClient; source: Source }): Opened {
  const own = opened.get(api) ?? new Map<number, Opened>();
  opened.set(api, own);
  const known = own.get(app);
  if (known !== undefined) return known;
  const prefix = `source/${app}/`;
  const workspace = new Workspace(source, {
    save: async (changes, base, message) => {
      const number = await saveChanges(api, app, changes, base, message);
      void cache.invalidateQueries({ queryKey: ["source", app] });
      return number;
    },
    load: (version) => loadSource(api, app, version),
    keep: ({ path, base, text, changedAt }) => {
      const document = `${prefix}${text === null ? kinds.removed : kinds.text}/${path}`;
      void keepDraft({ user: String(user), document, base: String(base), text: text ?? "", changedAt });
    },
    forget: ({ path, base }) => {
      for (const kind of Object.values(kinds)) {
        void dropDraft({ user: String(user), document: `${prefix}${kind}/${path}`, base: String(base) });
      }
    },
    failure: (error) => {
      if (error instanceof NetworkError || (error instanceof ApiError && error.status >= 500)) return "offline";
      return error instanceof ApiError && error.status === 409 ? "conflict" : "refused";
    },
    now: () => Date.now(),
    soon: (tell) => {
      const timer = window.setTimeout(tell, typingMs);
      return () => window.clearTimeout(timer);
    },
  });
  // A draft that cannot be read, or whose version is gone, must not keep the source closed.
  const resuming = keptEdits(user, prefix)
    .then((kept) => workspace.resume(kept))
    .catch(() => []);
  const made = { workspace, resuming };
  own.set(app, made);
  return made;
}

async function keptEdits(user: number, prefix: string): Promise<KeptEdit[]> {
  const drafts = await findDrafts(String(user), prefix);
  return drafts.map(({ document, base, text, changedAt }) => {
    const [kind, ...path] = document.slice(prefix.length).split("/");
    return { path: path.join("/"), base: Number(base), text: kind === kinds.removed ? null : text, changedAt };
  });
}

/** Saves again while the server cannot be reached: later each time, and at once when the browser is back online. */
function useRetries(workspace: Workspace, isOffline: boolean): void {
  useEffect(() => {
    if (!isOffline) return;
    let timer = 0;
    const retry = (wait: number) => {
      timer = window.setTimeout(() => {
        void workspace.save().then((saved) => {
          if (saved === null) retry(Math.min(wait * 2, lastRetry));
        });
      }, wait);
    };
    const now = () => void workspace.save();
    retry(firstRetry);
    window.addEventListener("online", now);
    return () => {
      window.clearTimeout(timer);
      window.removeEventListener("online", now);
    };
  }, [workspace, isOffline]);
}
