import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { type Api, body } from "@/api/client";
import { ApiError } from "@/api/errors";
import type { components } from "@/api/schema";
import { readStream } from "@/api/sse";

export type Notification = components["schemas"]["NotificationRead"];
/** Which notifications a list shows. */
export type Shown = "unread" | "all";

const partSize = 50;

/** Reads how many notifications nobody has read yet. */
export function unreadQuery(api: Api) {
  return queryOptions({
    queryKey: ["unread"],
    queryFn: async ({ signal }) => body(await api.http.GET("/api/notifications/unread-count/", { signal })).unread,
  });
}

/** Reads notifications, newest first, part by part. */
export function inboxQuery(api: Api, shown: Shown) {
  return infiniteQueryOptions({
    queryKey: ["inbox", shown],
    initialPageParam: "",
    queryFn: async ({ signal, pageParam }) => {
      const query = { unread: shown === "unread", cursor: pageParam, limit: partSize };
      return body(await api.http.GET("/api/notifications/", { signal, params: { query } }));
    },
    getNextPageParam: (part) => part.next_cursor ?? null,
  });
}

/** Marks one notification as read, or as not read. */
export async function mark(api: Api, id: number, isRead: boolean): Promise<Notification> {
  const params = { path: { notification_id: id } };
  const answer = isRead
    ? await api.http.POST("/api/notifications/{notification_id}/read/", { params })
    : await api.http.POST("/api/notifications/{notification_id}/unread/", { params });
  return body(answer);
}

/** Marks every notification as read. */
export async function markAllRead(api: Api): Promise<void> {
  await api.http.POST("/api/notifications/read-all/");
}

type Following = {
  onNew: (arrived: Notification) => void;
  /** Imports or exports of the reader have changed. */
  onJobs: () => void;
  onState: (isLive: boolean) => void;
  signal: AbortSignal;
};

/** Follows the inbox until `signal` ends it; a connection that breaks is made again, and nothing is missed. */
export function followInbox(api: Api, { onNew, onJobs, onState, signal }: Following): Promise<void> {
  return readStream(
    async (connection) => {
      const answer = await api.http.GET("/api/notifications/stream/", {
        params: { header: connection.lastId === "" ? {} : { "last-event-id": connection.lastId } },
        parseAs: "stream",
        signal: connection.signal,
      });
      if (answer.response.body === null) throw new Error("the stream of notifications has no body");
      onState(true);
      return answer.response.body;
    },
    {
      signal,
      isLost: (error) => {
        onState(false);
        return !(error instanceof ApiError && error.status < 500);
      },
      onEvents: (events) => {
        for (const { name, data } of events) {
          if (name === "notification") onNew(JSON.parse(data));
          else if (name === "jobs") onJobs();
        }
      },
    },
  );
}
