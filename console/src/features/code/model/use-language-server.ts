import { type RefObject, useEffect, useState } from "react";
import { useOrganization } from "@/api/context";
import type { ServerState } from "../editor/server/connection";
import type { LanguageServer } from "../editor/server/language-server";

/** On top of what the texts rest before they are told of. */
const typingMs = 30;

type Options = {
  app: number;
  /** Only who may change the app has a language server. */
  canBuild: boolean;
  /** Files that differ from the saved version, and the one that is shown. */
  texts: ReadonlyMap<string, string>;
  /** Shows the server's problems in the editor of a file. */
  onProblems: RefObject<(path: string) => void>;
};

/** Keeps a language server for an app as long as its code is on the screen, and tells it what is unsaved. */
export function useLanguageServer({ app, canBuild, texts, onProblems }: Options) {
  const organization = useOrganization();
  const [server, setServer] = useState<LanguageServer | null>(null);
  const [state, setState] = useState<ServerState>("connecting");

  useEffect(() => {
    if (!canBuild) return;
    let isGone = false;
    let made: LanguageServer | null = null;
    const begin = async () => {
      const module = await import("../editor/server/language-server");
      if (isGone) return;
      made = new module.LanguageServer(organization, app, {
        onState: setState,
        onProblems: (path) => onProblems.current(path),
      });
      setServer(made);
    };
    void begin();
    return () => {
      isGone = true;
      setServer(null);
      made?.close();
    };
  }, [organization, app, canBuild, onProblems]);

  useEffect(() => {
    if (server === null) return;
    const timer = window.setTimeout(() => server.show(texts), typingMs);
    return () => window.clearTimeout(timer);
  }, [server, texts]);

  return { server, state };
}
