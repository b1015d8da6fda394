import { Code, Group, Text, VisuallyHidden } from "@mantine/core";
import type { Icon } from "@tabler/icons-react";
import IconAlertTriangle from "@tabler/icons-react/icons/IconAlertTriangle";
import IconCircleCheck from "@tabler/icons-react/icons/IconCircleCheck";
import IconCircleX from "@tabler/icons-react/icons/IconCircleX";
import { t } from "@/i18n";
import { CopyButton } from "@/ui/CopyButton";
import type { Health } from "../api";
import { type Check, checksOf } from "../model/checks";
import classes from "./CheckList.module.css";

const states: Record<Check["state"], { icon: Icon; word: () => string }> = {
  ok: { icon: IconCircleCheck as Icon, word: () => t("In order:") },
  warn: { icon: IconAlertTriangle as Icon, word: () => t("Warning:") },
  error: { icon: IconCircleX as Icon, word: () => t("Does not work:") },
};

/** What is in order and what is not; the worst comes first, with what mends it. */
export function CheckList({ health }: { health: Health }) {
  return (
    <ul className={classes.checks} aria-label={t("Checks")}>
      {checksOf(health).map(({ id, state, message, remedy, command }) => {
        const { icon: StateIcon, word } = states[state];
        return (
          <li key={id} data-state={state}>
            <StateIcon size={18} aria-hidden className={classes.icon} />
            <div className={classes.body}>
              <VisuallyHidden>{word()} </VisuallyHidden>
              {message}
              {state !== "ok" && remedy !== undefined && (
                <Text size="sm" c="dimmed" component="div">
                  {remedy}
                </Text>
              )}
              {state !== "ok" && command !== undefined && (
                <Group gap="xs" mt={4}>
                  <Code>{command}</Code>
                  <CopyButton value={command} label={t("Copy the command")} />
                </Group>
              )}
            </div>
          </li>
        );
      })}
    </ul>
  );
}
