import { isRecord } from "@/api/graphql";
import { connectLater, endSocket } from "@/api/silence";

/** How completion stands: `stopped` where this person may not have it, `resting` until something is typed. */
export type ServerState = "connecting" | "ready" | "restarting" | "unavailable" | "resting" | "stopped";

type Waiting = { resolve: (result: unknown) => void; reject: (error: Error) => void; timer: number };

export type ConnectionEvents = {
  onState: (state: ServerState) => void;
  /** Called once the server can be told of documents. */
  onReady: () => void;
  onNotification: (method: string, params: Record<string, unknown>) => void;
};

const requestMs = 10_000;
/** So many requests without any word mean that the connection is lost; a server that is busy answers one late. */
const maxUnanswered = 2;
const maxDelay = 15_000;
const unavailableDelay = 20_000;
const refused: readonly number[] = [4401, 4403, 4404];
const quiet: readonly number[] = [4408, 4409];
const unavailable = 4503;

/** Reports that the language server did not do what was asked. */
export class ServerError extends Error {}

/** Holds the WebSocket to an app's language server. It reconnects for ever, later each time. */
export class Connection {
  private socket: WebSocket | null = null;
  private state: ServerState = "connecting";
  private isClosed = false;
  private failures = 0;
  private stopWaiting: () => void = () => undefined;
  private lastId = 0;
  private unanswered = 0;
  private readonly waiting = new Map<number, Waiting>();

  constructor(
    private readonly url: URL,
    private readonly events: ConnectionEvents,
  ) {
    globalThis.addEventListener("offline", this.abandon);
  }

  get isReady(): boolean {
    return this.state === "ready";
  }

  /** Connects, unless it is or may not. Something was typed: an editor that had rested goes on. */
  wake(): void {
    if (this.socket !== null || this.isClosed || (this.state !== "connecting" && this.state !== "resting")) return;
    this.connect();
  }

  request(method: string, params: object): Promise<unknown> {
    if (!this.isReady) return Promise.reject(new ServerError("completion is restarting"));
    return this.ask(method, params);
  }

  notify(method: string, params: object): void {
    if (this.isReady) this.send({ method, params });
  }

  close(): void {
    this.isClosed = true;
    this.stopWaiting();
    globalThis.removeEventListener("offline", this.abandon);
    this.fail();
    if (this.socket !== null) endSocket(this.socket);
  }

  private connect(): void {
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.onopen = () => {
      // All of it comes from the platform: what the page sends here is not read.
      this.ask("initialize", {}).then(
        () => {
          this.failures = 0;
          this.send({ method: "initialized", params: {} });
          this.change("ready");
          this.events.onReady();
        },
        () => socket.close(),
      );
    };
    socket.onmessage = (event: MessageEvent<unknown>) => this.receive(String(event.data));
    socket.onclose = ({ code }) => this.lost(code);
  }

  private ask(method: string, params: object): Promise<unknown> {
    this.lastId += 1;
    const id = this.lastId;
    return new Promise((resolve, reject) => {
      const timer = window.setTimeout(() => {
        this.waiting.delete(id);
        reject(new ServerError(`${method} takes too long`));
        this.unanswered += 1;
        if (this.unanswered < maxUnanswered) this.send({ method: "$/cancelRequest", params: { id } });
        else this.abandon();
      }, requestMs);
      this.waiting.set(id, { resolve, reject, timer });
      this.send({ id, method, params });
    });
  }

  private receive(text: string): void {
    this.unanswered = 0;
    const message: unknown = JSON.parse(text);
    if (!isRecord(message)) return;
    if (typeof message.method === "string") {
      this.events.onNotification(message.method, isRecord(message.params) ? message.params : {});
      return;
    }
    const id = Number(message.id);
    const waiting = this.waiting.get(id);
    if (waiting === undefined) return;
    this.waiting.delete(id);
    window.clearTimeout(waiting.timer);
    if (isRecord(message.error)) waiting.reject(new ServerError(String(message.error.message)));
    else waiting.resolve(message.result);
  }

  /** Gives up a connection that is silent, which would close only minutes later. */
  private readonly abandon = (): void => {
    const { socket } = this;
    if (socket === null) return;
    [socket.onclose, socket.onmessage] = [null, null];
    endSocket(socket);
    this.lost(1006);
  };

  private lost(code: number): void {
    this.socket = null;
    this.unanswered = 0;
    this.fail();
    if (this.isClosed) return;
    if (refused.includes(code)) this.change("stopped");
    else if (quiet.includes(code)) this.change("resting");
    else this.retry(code);
  }

  private retry(code: number): void {
    this.change(code === unavailable ? "unavailable" : "restarting");
    this.failures += 1;
    const growing = Math.min(250 * 2 ** this.failures, maxDelay);
    const delay = (code === unavailable ? unavailableDelay : growing) * (0.5 + Math.random() / 2);
    this.stopWaiting = connectLater(() => this.connect(), delay);
  }

  private fail(): void {
    for (const { reject, timer } of this.waiting.values()) {
      window.clearTimeout(timer);
      reject(new ServerError("completion is restarting"));
    }
    this.waiting.clear();
  }

  private change(state: ServerState): void {
    this.state = state;
    this.events.onState(state);
  }

  private send(message: Record<string, unknown>): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ jsonrpc: "2.0", ...message }));
  }
}
