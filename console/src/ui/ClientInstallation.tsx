import { Group, Text } from "@mantine/core";
import { t } from "@/i18n";
import classes from "./ClientInstallation.module.css";
import { CopyButton } from "./CopyButton";

/** The line that installs the automio client from this platform; on the public index, `automio` is something else. */
export function ClientInstallation() {
  const command = `pip install -r ${window.location.origin}/client/requirements.txt`;
  return (
    <section aria-label={t("Install the automio client")}>
      <Text size="sm" mb={4}>
        {t("This line installs the automio client for Python, in the release that fits this platform:")}
      </Text>
      <Group gap="xs" wrap="nowrap" align="flex-start">
        <pre className={classes.command}>{command}</pre>
        <CopyButton value={command} label={t("Copy the line")} />
      </Group>
    </section>
  );
}
