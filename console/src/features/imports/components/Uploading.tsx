import { Button, Group, Progress, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { t } from "@/i18n";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { bytes } from "@/ui/time";
import type { ChosenFile, SentFile } from "../api";
import classes from "./Imports.module.css";
import { useUpload } from "./useUpload";

type Props = { chosen: ChosenFile; children: (sent: SentFile) => ReactNode };

/** Shows how far the file has gone; then what is done with it. What fails here has imported nothing. */
export function Uploading({ chosen, children }: Props) {
  const { part, sent, error, isCancelled, retry, cancel } = useUpload(chosen);
  if (sent !== null) return children(sent);
  const percent = Math.floor(part * 100);
  if (error !== null || isCancelled) {
    return (
      <div className={classes.section}>
        {error !== null && <ErrorPanel error={error} onRetry={retry} />}
        <Text role="status">
          {t("The upload stopped at {percent} %. Nothing was imported, so it can be sent again.", { percent })}
        </Text>
        <div>
          <Button variant="default" onClick={retry}>
            {t("Send the file again")}
          </Button>
        </div>
      </div>
    );
  }
  return (
    <div className={classes.section}>
      <Progress value={percent} aria-label={t("Progress of the upload")} />
      <Group gap="xs">
        <Text size="sm" role="status">
          {part < 1
            ? t("{percent} % of {size} sent", { percent, size: bytes(chosen.file.size) })
            : t("Sent. The server stores it …")}
        </Text>
        <Button variant="default" size="compact-sm" onClick={cancel}>
          {t("Cancel the upload")}
        </Button>
      </Group>
    </div>
  );
}
