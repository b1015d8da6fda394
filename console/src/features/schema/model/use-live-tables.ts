import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useApi, useOrganization } from "@/api/context";
import { followTables } from "../api";

/**
 * Reads the tables of an app again when anybody changed a definition. Of all tabs that show the app, one holds the
 * stream and tells the others: a browser opens only a few connections to a server.
 */
export function useLiveTables(app: string): void {
  const api = useApi();
  const org = useOrganization();
  const cache = useQueryClient();
  useEffect(() => {
    const name = `automio.tables.${org}.${app}`;
    const ending = new AbortController();
    const channel = new BroadcastChannel(name);
    const refresh = () => void cache.invalidateQueries({ queryKey: ["tables", app] });
    channel.onmessage = refresh;
    const follow = () =>
      followTables(api, app, ending.signal, () => {
        refresh();
        channel.postMessage(null);
      }).catch(() => undefined);
    // Locks are there in secure contexts only; elsewhere each tab follows by itself.
    if ("locks" in navigator) {
      navigator.locks.request(name, { signal: ending.signal }, follow).catch(() => undefined);
    } else void follow();
    return () => {
      ending.abort();
      channel.close();
    };
  }, [api, app, org, cache]);
}
