import { useQuery } from "@tanstack/react-query";
import { useApi } from "@/api/context";
import { meQuery } from "@/features/accounts";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows } from "@/ui/Page";
import { type Action, sourceQuery } from "../api";
import { fileOfEntry } from "../model/files";
import { useWorkspace } from "../model/use-workspace";
import type { Source } from "../model/workspace";
import { HistoryView } from "./HistoryView";

/** The versions of an action's file. */
export function ActionHistory({ app, action }: { app: number; action: Action }) {
  const api = useApi();
  const me = useQuery(meQuery(api));
  const source = useQuery(sourceQuery(api, app));
  const failed = me.error ?? source.error;
  if (failed) return <ErrorPanel error={failed} onRetry={() => source.refetch()} />;
  if (me.data === undefined || source.data === undefined) return <LoadingRows />;
  return <Versions app={app} user={me.data.user.id} source={source.data} path={fileOfEntry(action.entry)} />;
}

function Versions({ app, user, source, path }: { app: number; user: number; source: Source; path: string }) {
  const { workspace, isReady } = useWorkspace({ app, user, source });
  return isReady ? <HistoryView app={app} workspace={workspace} path={path} /> : <LoadingRows />;
}
