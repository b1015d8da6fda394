import { parseExact } from "./exact";
import { graphqlPath, isRecord, readData } from "./graphql";
import { connectLater, endSocket, Silence } from "./silence";
import { actingHeaders } from "./viewing";

export type LiveState = "connecting" | "live" | "broken";

type Watch = { query: string; variables: Record<string, unknown>; onData: (data: Record<string, unknown>) => void };

const maxDelay = 15_000;
/** Milliseconds. The server says something at least every 5 s. */
export const silentAfter = 12_000;

/** Holds one WebSocket to an app's GraphQL (`graphql-transport-ws`). It reconnects, and then watches again. */
export class LiveSocket {
  private socket: WebSocket | null = null;
  private isReady = false;
  private isClosed = false;
  private failures = 0;
  private silence: Silence | null = null;
  private stopWaiting: () => void = () => undefined;
  private lastId = 0;
  private readonly watches = new Map<string, Watch>();

  constructor(
    private readonly organization: string | null,
    private readonly app: string,
    private readonly onState: (state: LiveState) => void,
  ) {
    this.connect();
  }

  /** Calls `onData` with the present answer, and with each that follows. Returns what ends that. */
  watch(query: string, variables: Record<string, unknown>, onData: Watch["onData"]): () => void {
    this.lastId += 1;
    const id = String(this.lastId);
    const watch = { query, variables, onData };
    this.watches.set(id, watch);
    if (this.isReady) this.begin(id, watch);
    return () => {
      if (this.watches.delete(id) && this.isReady) this.tell({ id, type: "complete" });
    };
  }

  close(): void {
    this.isClosed = true;
    this.stopWaiting();
    this.watches.clear();
    this.silence?.stop();
    if (this.socket !== null) endSocket(this.socket);
  }

  private connect(): void {
    this.onState("connecting");
    const url = new URL(graphqlPath(this.app), window.location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url, "graphql-transport-ws");
    this.socket = socket;
    socket.onopen = () => {
      this.tell({ type: "connection_init", payload: { headers: actingHeaders(this.organization) } });
    };
    const silence = new Silence(silentAfter, () => socket.onclose?.(new CloseEvent("close")));
    this.silence = silence;
    socket.onmessage = (event: MessageEvent<unknown>) => {
      silence.heard();
      this.receive(String(event.data));
    };
    socket.onclose = () => {
      // A connection that is silent closes only much later; by then there is another.
      [socket.onclose, socket.onmessage] = [null, null];
      silence.stop();
      endSocket(socket);
      this.lost();
    };
  }

  private receive(text: string): void {
    const message = parseExact(text);
    if (!isRecord(message)) return;
    if (message.type === "connection_ack") {
      this.isReady = true;
      this.failures = 0;
      this.onState("live");
      for (const [id, watch] of this.watches) this.begin(id, watch);
    } else if (message.type === "ping") this.tell({ type: "pong" });
    else if (message.type === "next") this.push(String(message.id), message.payload);
    else if (message.type === "error") this.end(String(message.id));
  }

  private push(id: string, payload: unknown): void {
    let data: Record<string, unknown>;
    try {
      data = readData(payload);
    } catch {
      this.end(id);
      return;
    }
    this.watches.get(id)?.onData(data);
  }

  /** Gives up a watch that the server refuses; others go on. */
  private end(id: string): void {
    if (this.watches.delete(id)) this.onState("broken");
  }

  private lost(): void {
    this.isReady = false;
    if (this.isClosed) return;
    this.onState("broken");
    this.failures += 1;
    const delay = Math.min(500 * 2 ** this.failures, maxDelay) * (0.5 + Math.random() / 2);
    this.stopWaiting = connectLater(() => this.connect(), delay);
  }

  private begin(id: string, { query, variables }: Watch): void {
    this.tell({ id, type: "subscribe", payload: { query, variables } });
  }

  private tell(message: Record<string, unknown>): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
}
