import { ActionIcon, Anchor, Button, Group, Text, Tooltip } from "@mantine/core";
import type { Icon } from "@tabler/icons-react";
import IconAlertTriangle from "@tabler/icons-react/icons/IconAlertTriangle";
import IconCircleCheck from "@tabler/icons-react/icons/IconCircleCheck";
import IconCircleX from "@tabler/icons-react/icons/IconCircleX";
import IconInfoCircle from "@tabler/icons-react/icons/IconInfoCircle";
import IconMail from "@tabler/icons-react/icons/IconMail";
import IconMailOpened from "@tabler/icons-react/icons/IconMailOpened";
import { useNavigate } from "@tanstack/react-router";
import type { MouseEvent } from "react";
import { t } from "@/i18n";
import { Time } from "@/ui/Time";
import type { Notification } from "../api";
import { type Target, targetOf, targetOfUrl } from "../model/inbox";
import classes from "./InboxPage.module.css";

type Props = { item: Notification; org: string; onMark: (isRead: boolean) => void };

const kinds: Record<Notification["kind"], { icon: Icon; word: () => string }> = {
  info: { icon: IconInfoCircle as Icon, word: () => t("Information") },
  success: { icon: IconCircleCheck as Icon, word: () => t("Success") },
  warning: { icon: IconAlertTriangle as Icon, word: () => t("Warning") },
  error: { icon: IconCircleX as Icon, word: () => t("Error") },
};

/** One notification. With the focus on it, Enter opens it, and opening it is reading it. */
export function InboxItem({ item, org, onMark }: Props) {
  const navigate = useNavigate();
  const isUnread = item.read_at === null;
  const target = targetOf(item, org);
  const { icon: KindIcon, word } = kinds[item.kind];
  const open = ({ href, isPage }: Target) => {
    onMark(true);
    if (isPage) void navigate({ href });
    else window.open(href, "_blank", "noopener,noreferrer");
  };
  const follow = (to: Target) => (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(to);
  };
  const title = <bdi className={classes.title}>{item.title}</bdi>;
  return (
    <li className={classes.item} data-unread={isUnread || undefined}>
      <span className={classes.kind} data-kind={item.kind}>
        <KindIcon size={18} role="img" aria-label={word()} />
      </span>
      <div className={classes.body}>
        {target === null ? (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: the keys of the list act on what has the focus
          <span data-item tabIndex={0}>
            {title}
          </span>
        ) : (
          <Anchor data-item href={target.href} onClick={follow(target)}>
            {title}
          </Anchor>
        )}
        {item.description !== null && (
          <Text size="sm" c="dimmed" className={classes.description} lineClamp={4}>
            {item.description}
          </Text>
        )}
        {item.actions.length > 0 && (
          <Group gap="xs" mt={4}>
            {item.actions.map(({ label, url }) => (
              <Button
                key={`${label} ${url}`}
                component="a"
                href={url}
                size="compact-sm"
                variant="default"
                onClick={follow(targetOfUrl(url))}
              >
                {label}
              </Button>
            ))}
          </Group>
        )}
      </div>
      <Text size="xs" c="dimmed" className={classes.time} component="div">
        <Time at={item.created_at} />
      </Text>
      <Tooltip label={isUnread ? t("Mark as read") : t("Mark as unread")}>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={
            isUnread
              ? t("Mark “{title}” as read", { title: item.title })
              : t("Mark “{title}” as unread", { title: item.title })
          }
          onClick={() => onMark(isUnread)}
        >
          {isUnread ? <IconMailOpened size={16} aria-hidden /> : <IconMail size={16} aria-hidden />}
        </ActionIcon>
      </Tooltip>
    </li>
  );
}
