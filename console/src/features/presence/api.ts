import { isRecord } from "@/api/graphql";
import { connectLater, endSocket, Silence } from "@/api/silence";
import type { EditedCell } from "./model/cells";

/** Somebody else who has the same document open, with the cells of the table that they edit. */
export type Person = { id: number; name: string; edits: readonly EditedCell[] };

type Attending = {
  organization: string;
  app: string | number;
  /** `table/<name>`, `schema/<name>` or `source/<path>`. */
  document: string;
  onPeople: (people: readonly Person[]) => void;
};

const maxDelay = 15_000;
/** The server asks every 2 s whether one is there. */
const silentAfter = 6_000;
const full = 4429;
const fullDelay = 60_000;
/** Who may not be there is not shown who is. */
const refused: readonly number[] = [4401, 4403, 4404];

export type Attendance = {
  /** Tells others which cell is edited here; null: none any more. */
  edit: (cell: EditedCell | null) => void;
  end: () => void;
};

/** Is present at a document, and tells who else is. Connects again when the connection breaks. */
export function attend({ organization, app, document, onPeople }: Attending): Attendance {
  const url = new URL(`/api/apps/${app}/presence/`, window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("organization", organization);
  url.searchParams.set("document", document);
  let socket: WebSocket | null = null;
  let failures = 0;
  let silence: Silence | null = null;
  let stopWaiting = () => {};
  let hasEnded = false;
  let edited: EditedCell | null = null;
  const tellEdit = () => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "edit", cell: edited }));
  };
  const connect = () => {
    const connection = new WebSocket(url);
    const listening = new Silence(silentAfter, () => lost(0));
    [socket, silence] = [connection, listening];
    const lost = (code: number) => {
      [connection.onclose, connection.onmessage] = [null, null];
      listening.stop();
      endSocket(connection);
      onPeople([]);
      if (hasEnded || refused.includes(code)) return;
      failures += 1;
      const delay = code === full ? fullDelay : Math.min(500 * 2 ** failures, maxDelay);
      stopWaiting = connectLater(connect, delay * (0.5 + Math.random() / 2));
    };
    connection.onmessage = ({ data }: MessageEvent<unknown>) => {
      failures = 0;
      listening.heard();
      const message: unknown = JSON.parse(String(data));
      if (!isRecord(message)) return;
      // Answered as it comes, not by a timer: those of a hidden tab stand still.
      if (message.type === "ping") connection.send('{"type":"pong"}');
      else if (message.type === "people") onPeople(readPeople(message.people));
    };
    connection.onopen = () => edited !== null && tellEdit();
    connection.onclose = ({ code }) => lost(code);
  };
  connect();
  return {
    edit: (cell) => {
      edited = cell;
      tellEdit();
    },
    end: () => {
      hasEnded = true;
      stopWaiting();
      silence?.stop();
      if (socket !== null) endSocket(socket);
    },
  };
}

function readPeople(value: unknown): Person[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item) =>
    isRecord(item) && typeof item.id === "number" && typeof item.name === "string"
      ? [{ id: item.id, name: item.name, edits: readCells(item.edits) }]
      : [],
  );
}

function readCells(value: unknown): EditedCell[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item) =>
    isRecord(item) && typeof item.row === "string" && typeof item.column === "string"
      ? [{ row: item.row, column: item.column }]
      : [],
  );
}
