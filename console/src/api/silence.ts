/**
 * Calls `onSilent` once a connection has said nothing for so long that it must be lost: where the network goes without
 * a word, a browser holds a connection for open for minutes. Also when the browser says that it has gone offline.
 */
export class Silence {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly milliseconds: number,
    private readonly onSilent: () => void,
  ) {
    this.heard();
    globalThis.addEventListener?.("offline", this.end);
  }

  /** Says that something came. */
  heard(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.end, this.milliseconds);
  }

  stop(): void {
    clearTimeout(this.timer);
    globalThis.removeEventListener?.("offline", this.end);
  }

  private readonly end = (): void => {
    this.stop();
    this.onSilent();
  };
}

/** Ends a connection; one that is still being made only once it stands, as a browser reports the other as a fault. */
export function endSocket(socket: WebSocket): void {
  if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close(1000);
  else socket.close(1000);
}

/** Calls `connect` after some milliseconds, or as soon as the browser is online again. Returns what prevents it. */
export function connectLater(connect: () => void, milliseconds: number): () => void {
  const stop = () => {
    clearTimeout(timer);
    globalThis.removeEventListener?.("online", run);
  };
  const run = () => {
    stop();
    connect();
  };
  const timer = setTimeout(run, milliseconds);
  globalThis.addEventListener?.("online", run);
  return stop;
}
