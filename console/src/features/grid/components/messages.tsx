import { Button, Group } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { messageOf } from "@/api/errors";
import { t } from "@/i18n";
import type { Outcome } from "../data/editing";

export function say(text: string): void {
  notifications.show({ message: text });
}

export function sayError(error: unknown): void {
  notifications.show({ color: "red", message: messageOf(error) });
}

/** Says what was written, how much was left alone, and why it stopped; offers to take it back. */
export function sayOutcome({ written, left, error }: Outcome, undo: (() => void) | null): void {
  const parts = [
    t("{count, plural, one {# change written} other {# changes written}}", { count: written }),
    ...(left > 0
      ? [
          t("{count, plural, one {# was} other {# were}} left alone, because somebody else changed it since", {
            count: left,
          }),
        ]
      : []),
    ...(error === null ? [] : [messageOf(error)]),
  ];
  const id = notifications.show({
    autoClose: 8000,
    ...(error === null ? {} : { color: "red" }),
    message: (
      <Group justify="space-between" wrap="nowrap">
        {parts.join(". ")}
        {undo !== null && written > 0 && (
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => {
              notifications.hide(id);
              undo();
            }}
          >
            {t("Undo")}
          </Button>
        )}
      </Group>
    ),
  });
}
