import { Alert, Button, Group, SegmentedControl } from "@mantine/core";
import IconChecks from "@tabler/icons-react/icons/IconChecks";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useMemo, useRef } from "react";
import { useApi, useOrganization } from "@/api/context";
import { messageOf } from "@/api/errors";
import { type Command, useCommands } from "@/commands/registry";
import { t } from "@/i18n";
import { AsCode } from "@/ui/AsCode";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { MoreButton } from "@/ui/MoreButton";
import { LoadingRows, Page } from "@/ui/Page";
import { inboxQuery, mark, markAllRead, type Notification, unreadQuery } from "../api";
import { badge, type Parts, withMarked } from "../model/inbox";
import { refresh, useIsInboxLive } from "../model/use-live-inbox";
import { InboxItem } from "./InboxItem";
import classes from "./InboxPage.module.css";

const route = getRouteApi("/$org/inbox");

/** What needs whoever is signed in, newest first. What is read stays until the list is shown anew. */
export function InboxPage() {
  const api = useApi();
  const org = useOrganization();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const shown = route.useSearch().show ?? "unread";
  const list = useInfiniteQuery(inboxQuery(api, shown));
  const unread = useQuery(unreadQuery(api)).data ?? 0;
  const isLive = useIsInboxLive();
  const items = list.data?.pages.flatMap((page) => page.results) ?? [];
  const place = useRef<HTMLUListElement>(null);
  const marking = useMutation({
    mutationFn: ({ id, isRead }: { id: number; isRead: boolean }) => mark(api, id, isRead),
    onMutate: ({ id, isRead }) => {
      const at = isRead ? new Date().toISOString() : null;
      cache.setQueriesData<Parts<Notification>>({ queryKey: ["inbox"] }, (data) => data && withMarked(data, id, at));
      cache.setQueryData(unreadQuery(api).queryKey, (count = 0) => Math.max(0, count + (isRead ? -1 : 1)));
    },
    onError: () => refresh(cache),
  });
  const everything = useMutation({ mutationFn: () => markAllRead(api), onSuccess: () => refresh(cache) });
  const change = (item: Notification | undefined, isRead: boolean) => {
    if (item !== undefined && (item.read_at === null) === isRead) marking.mutate({ id: item.id, isRead });
  };
  // The keys act on the item that has the focus; without one, the first takes it.
  const latest = useRef({ items, change });
  latest.current = { items, change };
  const commands = useMemo<Command[]>(() => {
    const cards = () => [...(place.current?.querySelectorAll<HTMLElement>("[data-item]") ?? [])];
    const position = () => cards().findIndex((card) => card.contains(document.activeElement));
    const move = (step: number) => {
      const all = cards();
      const at = position();
      all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + step))]?.focus();
    };
    const act = (isRead: boolean) => {
      const at = position();
      if (at < 0) return move(0);
      latest.current.change(latest.current.items[at], isRead);
      if (isRead) move(1);
    };
    const group = t("Inbox");
    return [
      { id: "inbox next", title: t("Next notification"), group, keys: "j", run: () => move(1) },
      { id: "inbox previous", title: t("Previous notification"), group, keys: "k", run: () => move(-1) },
      { id: "inbox done", title: t("Mark as read"), group, keys: "e", run: () => act(true) },
      { id: "inbox unread", title: t("Mark as unread"), group, keys: "u", run: () => act(false) },
    ];
  }, []);
  useCommands(commands);
  const isEmpty = list.data !== undefined && items.length === 0;
  return (
    <Page
      title={t("Inbox")}
      help="/help/console#inbox"
      asCode={<AsCode reads="/api/notifications/" />}
      actions={
        <Button
          variant="default"
          leftSection={<IconChecks size={16} aria-hidden />}
          loading={everything.isPending}
          disabled={unread === 0}
          onClick={() => everything.mutate()}
        >
          {t("Mark all as read")}
        </Button>
      }
      toolbar={
        <Group gap="md">
          <SegmentedControl
            aria-label={t("Which notifications")}
            value={shown}
            data={[
              { value: "unread", label: unread > 0 ? t("Unread {count}", { count: badge(unread) }) : t("Unread") },
              { value: "all", label: t("All") },
            ]}
            onChange={(value) =>
              navigate({ to: "/$org/inbox", params: { org }, search: value === "all" ? { show: "all" } : {} })
            }
          />
        </Group>
      }
      width="reading"
    >
      {!isLive && (
        <Alert color="orange" title={t("New notifications do not come by themselves now")} role="status" mb="md">
          <Group justify="space-between">
            {t("The connection to the server is lost.")}
            <Button variant="default" size="xs" onClick={() => void refresh(cache)}>
              {t("Reload the list")}
            </Button>
          </Group>
        </Alert>
      )}
      {list.isPending && <LoadingRows />}
      {list.error && <ErrorPanel error={list.error} onRetry={() => list.refetch()} />}
      {[marking.error, everything.error].map(
        (error, index) =>
          error && (
            // biome-ignore lint/suspicious/noArrayIndexKey: two that stay at their places
            <Alert key={index} color="red" role="alert" mb="md">
              {messageOf(error)}
            </Alert>
          ),
      )}
      {isEmpty && (
        <EmptyState title={shown === "unread" ? t("Nothing needs you") : t("No notifications yet")}>
          {t("Scripts, runs and people notify you here; what you have read stays under All.")}
        </EmptyState>
      )}
      <ul className={classes.list} ref={place} aria-label={t("Notifications")}>
        {items.map((item) => (
          <InboxItem key={item.id} item={item} org={org} onMark={(isRead) => change(item, isRead)} />
        ))}
      </ul>
      <MoreButton list={list} />
    </Page>
  );
}
