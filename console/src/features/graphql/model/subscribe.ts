import { graphqlPath, isRecord } from "@/api/graphql";
import { silentAfter } from "@/api/live";
import { endSocket, Silence } from "@/api/silence";
import { type As, actingHeaders, headersOf } from "@/api/viewing";
import { t } from "@/i18n";
import type { Operation } from "../api";

type Live = { onData: (payload: unknown, text: string) => void; onEnd: (reason: string | null) => void };

type Whose = { organization: string | null; as: As };

/** Runs a subscription over a WebSocket of its own (`graphql-transport-ws`). Returns what stops it. */
export function subscribe({ organization, as }: Whose, app: string, operation: Operation, live: Live): () => void {
  const url = new URL(graphqlPath(app), window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url, "graphql-transport-ws");
  let hasEnded = false;
  const end = (reason: string | null) => {
    if (hasEnded) return;
    hasEnded = true;
    silence.stop();
    endSocket(socket);
    live.onEnd(reason);
  };
  const silence = new Silence(silentAfter, () => end(t("the connection was lost")));
  const send = (message: Record<string, unknown>) => socket.send(JSON.stringify(message));
  socket.onopen = () => {
    const headers = { ...actingHeaders(organization), ...headersOf(as) };
    send({ type: "connection_init", payload: { headers } });
  };
  socket.onmessage = ({ data }: MessageEvent<unknown>) => {
    silence.heard();
    const message: unknown = JSON.parse(String(data));
    if (hasEnded || !isRecord(message)) return;
    if (message.type === "connection_ack") send({ id: "1", type: "subscribe", payload: operation });
    else if (message.type === "ping") send({ type: "pong" });
    else if (message.type === "next") live.onData(message.payload, JSON.stringify(message.payload));
    else if (message.type === "error") {
      live.onData({ errors: message.payload }, JSON.stringify({ errors: message.payload }));
      end(null);
    } else if (message.type === "complete") end(null);
  };
  socket.onclose = ({ code, reason }) => end(code === 1000 ? null : reason || String(code));
  return () => end(null);
}
