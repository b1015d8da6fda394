import { connectLater, Silence } from "./silence";

/** The server says something at least every 15 s. */
const silentAfter = 40_000;

/** One event of a stream of server-sent events. */
export type StreamEvent = { name: string; data: string; id: string };

/**
 * Returns a function that takes pieces of an event stream's text and returns the events that are complete with them
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html). `EventSource` can send no header, and so can
 * neither name the organization nor be answered 401 and repeated like every other request.
 */
export function eventReader(onId: (id: string) => void = () => undefined): (piece: string) => StreamEvent[] {
  let rest = "";
  let data: string[] = [];
  let name = "";
  let id = "";
  return (piece) => {
    const events: StreamEvent[] = [];
    const text = rest + piece;
    // A carriage return at the end may be half of a line's end.
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        // Also a comment may carry the place to go on from.
        if (id !== "") onId(id);
        if (data.length > 0) events.push({ name: name || "message", data: data.join("\n"), id });
        data = [];
        name = "";
        continue;
      }
      const colon = line.indexOf(":");
      if (colon === 0) continue;
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "data") data.push(value);
      else if (field === "event") name = value;
      else if (field === "id") id = value;
    }
    return events;
  };
}

type Connection = { lastId: string; signal: AbortSignal };

/**
 * Reads a stream until the server ends it: calls `onEvents` for all events that came at once, and connects again after
 * the last id when the connection breaks, later each time (at most 10 s) for as long as `signal` lets it.
 * Rejects when the server refuses.
 */
export async function readStream(
  connect: (connection: Connection) => Promise<ReadableStream<Uint8Array>>,
  { onEvents, isLost, signal, after = "" }: ReadOptions,
): Promise<void> {
  let lastId = after;
  let failures = 0;
  while (!signal.aborted) {
    const broken = new AbortController();
    const silence = new Silence(silentAfter, () => broken.abort());
    try {
      const reader = (await connect({ lastId, signal: AbortSignal.any([signal, broken.signal]) })).getReader();
      const decoder = new TextDecoder();
      const read = eventReader((id) => {
        lastId = id;
      });
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        silence.heard();
        const events = read(decoder.decode(value, { stream: true }));
        if (events.length === 0) continue;
        failures = 0;
        onEvents(events);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!broken.signal.aborted && !isLost(error)) throw error;
      silence.stop();
      failures += 1;
      await sleep(Math.min(500 * 2 ** failures, 10_000), signal);
    } finally {
      silence.stop();
    }
  }
}

type ReadOptions = {
  onEvents: (events: StreamEvent[]) => void;
  /** Tells whether an error means that the connection broke, rather than that the server refused. */
  isLost: (error: unknown) => boolean;
  signal: AbortSignal;
  /** Begins after this id. */
  after?: string;
};

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stop = connectLater(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      stop();
      resolve();
    });
  });
}
