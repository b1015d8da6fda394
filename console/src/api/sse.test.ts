import { describe, expect, test } from "vitest";
import { eventReader, readStream } from "./sse";

const stream =
  ": log\n\nid: 1-1\ndata: one\n\nid: 1-2\r\ndata: two\r\ndata:  lines\r\n\r\nevent: end\ndata: {}\n\ndata\n\n";
const expected = [
  { name: "message", data: "one", id: "1-1" },
  { name: "message", data: "two\n lines", id: "1-2" },
  { name: "end", data: "{}", id: "1-2" },
  { name: "message", data: "", id: "1-2" },
];

describe("a stream of events", () => {
  test("is read alike however it is cut into pieces", () => {
    for (let size = 1; size <= stream.length; size += 1) {
      const read = eventReader();
      const found = [];
      for (let at = 0; at < stream.length; at += size) found.push(...read(stream.slice(at, at + size)));
      expect(found).toEqual(expected);
    }
  });

  test("goes on after the last id when the connection breaks, and ends where the server ends it", async () => {
    const asked: string[] = [];
    const seen: string[] = [];
    const lost = new Error("lost");
    await readStream(
      async ({ lastId }) => {
        asked.push(lastId);
        return new ReadableStream<Uint8Array>({
          start(controller) {
            const text = asked.length === 1 ? "id: 1\ndata: a\n\nid: 2\nda" : "id: 2\ndata: b\n\n";
            controller.enqueue(new TextEncoder().encode(text));
            if (asked.length > 1) controller.close();
          },
          pull(controller) {
            if (asked.length === 1) controller.error(lost);
          },
        });
      },
      {
        onEvents: (events) => seen.push(...events.map(({ data }) => data)),
        isLost: (error) => error === lost,
        signal: new AbortController().signal,
      },
    );
    expect(asked).toEqual(["", "1"]);
    expect(seen).toEqual(["a", "b"]);
  });
});
