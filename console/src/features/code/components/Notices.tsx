import { Button, Group, Text } from "@mantine/core";
import { t } from "@/i18n";
import { download } from "@/ui/download";
import { FormError } from "@/ui/FormError";
import { clockTime } from "@/ui/time";
import type { KeptEdit, Snapshot, Workspace } from "../model/workspace";
import classes from "./Notices.module.css";

type Props = {
  snapshot: Snapshot;
  workspace: Workspace;
  resumed: readonly KeptEdit[];
  onDismiss: () => void;
};

/** Above the editor: a draft that was found, and why a save was refused. */
export function Notices({ snapshot, workspace, resumed, onDismiss }: Props) {
  const newest = Math.max(...resumed.map(({ changedAt }) => changedAt));
  const left = resumed.map(({ path }) => path).filter((path) => snapshot.edits.has(path));
  return (
    <>
      {left.length > 0 && (
        <Group className={classes.notice} role="status" gap="xs">
          <Text size="sm">
            {t("Your draft of {time} is here: {files}. It was not saved.", {
              time: clockTime(newest),
              files: left.join(", "),
            })}
          </Text>
          <Button size="compact-sm" variant="default" onClick={onDismiss}>
            {t("Continue your draft")}
          </Button>
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => {
              workspace.discard(left);
              onDismiss();
            }}
          >
            {t("Discard")}
          </Button>
        </Group>
      )}
      {snapshot.state === "refused" && (
        <Group className={classes.notice} data-kind="refused" gap="xs">
          <FormError error={snapshot.error} />
          <Button size="compact-sm" variant="default" onClick={() => void workspace.save()}>
            {t("Try again")}
          </Button>
          {[...snapshot.edits].map(
            ([path, text]) =>
              text !== null && (
                <Button key={path} size="compact-sm" variant="default" onClick={() => download(path, text)}>
                  {t("Download {path}", { path })}
                </Button>
              ),
          )}
        </Group>
      )}
    </>
  );
}
