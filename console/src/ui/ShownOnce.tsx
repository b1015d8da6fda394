import { Button, Group, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { t } from "@/i18n";
import { CopyButton } from "./CopyButton";
import classes from "./ShownOnce.module.css";

type Props = {
  secret: string;
  /** What it is, for a screen reader. */
  label: string;
  copyLabel: string;
  children: ReactNode;
  onClose: () => void;
};

/** Shows a secret that nobody can see again. */
export function ShownOnce({ secret, label, copyLabel, children, onClose }: Props) {
  return (
    <Stack gap="sm">
      <Text role="status">{children}</Text>
      <section aria-label={label}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and a keyboard has to reach it */}
        <pre className={classes.secret} tabIndex={0} data-autofocus>
          {secret}
        </pre>
      </section>
      <Group gap="xs">
        <CopyButton value={secret} label={copyLabel} />
        <Button onClick={onClose}>{t("Done")}</Button>
      </Group>
    </Stack>
  );
}
