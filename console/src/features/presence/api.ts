import { isRecord } from "@/api/graphql";
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
  let timer = 0;
  let hasEnded = false;
  let edited: EditedCell | null = null;
  const tellEdit = () => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "edit", cell: edited }));
  };
  const connect = () => {
    socket = new WebSocket(url);
    socket.onopen = () => edited !== null && tellEdit();
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      failures = 0;
      const message: unknown = JSON.parse(String(data));
      if (!isRecord(message)) return;
      // Answered as it comes, not by a timer: those of a hidden tab stand still.
      if (message.type === "ping") socket?.send('{"type":"pong"}');
      else if (message.type === "people") onPeople(readPeople(message.people));
    };
    socket.onclose = ({ code }) => {
      onPeople([]);
      if (hasEnded || refused.includes(code)) return;
      failures += 1;
      const delay = code === full ? fullDelay : Math.min(500 * 2 ** failures, maxDelay);
      timer = window.setTimeout(connect, delay * (0.5 + Math.random() / 2));
    };
  };
  connect();
  return {
    edit: (cell) => {
      edited = cell;
      tellEdit();
    },
    end: () => {
      hasEnded = true;
      window.clearTimeout(timer);
      socket?.close(1000);
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
