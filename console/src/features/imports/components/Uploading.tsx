import { Button, Group, Progress, Text } from "@mantine/core";
import { t } from "@/i18n";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { bytes } from "@/ui/time";
import type { ChosenFile } from "../api";
import { useUpload, type WorkPlace } from "../model/use-file-work";
import classes from "./Imports.module.css";

type Props = { place: WorkPlace; chosen: ChosenFile; onAgain: () => void; onStop: () => void };

/** Shows how far a file has gone. What fails here has imported nothing. */
export function Uploading({ place, chosen, onAgain, onStop }: Props) {
  const { part, error, isStopped } = useUpload(place);
  const percent = Math.floor(part * 100);
  if (error !== null || isStopped) {
    return (
      <div className={classes.section}>
        {error !== null && <ErrorPanel error={error} onRetry={onAgain} />}
        <Text role="status">
          {t("The upload stopped at {percent} %. Nothing was imported, so it can be sent again.", { percent })}
        </Text>
        <div>
          <Button variant="default" onClick={onAgain}>
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
            ? t("{percent} % of {size} sent. You may leave this page: it goes on while this tab is open.", {
                percent,
                size: bytes(chosen.file.size),
              })
            : t("Sent. The server stores it …")}
        </Text>
        <Button variant="default" size="compact-sm" onClick={onStop}>
          {t("Cancel the upload")}
        </Button>
      </Group>
    </div>
  );
}
