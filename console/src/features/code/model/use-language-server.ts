import { type RefObject, useEffect, useState } from "react";
import { useOrganization } from "@/api/context";
import type { ServerState } from "../editor/server/connection";
import { LanguageServer } from "../editor/server/language-server";

const typingMs = 150;

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
    const made = new LanguageServer(organization, app, {
      onState: setState,
      onProblems: (path) => onProblems.current(path),
    });
    setServer(made);
    return () => {
      setServer(null);
      made.close();
    };
  }, [organization, app, canBuild, onProblems]);

  useEffect(() => {
    if (server === null) return;
    const timer = window.setTimeout(() => server.show(texts), typingMs);
    return () => window.clearTimeout(timer);
  }, [server, texts]);

  return { server, state };
}
