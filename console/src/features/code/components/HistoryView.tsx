import { Button, Text } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useApi } from "@/api/context";
import { t } from "@/i18n";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows } from "@/ui/Page";
import { Time } from "@/ui/Time";
import { versionQuery, versionsQuery } from "../api";
import type { Changes } from "../model/merge";
import type { Workspace } from "../model/workspace";
import { DiffView } from "./DiffView";
import classes from "./HistoryView.module.css";

type Props = { app: number; workspace: Workspace; path: string };

/** The versions of the source, what each has of a file beside the text of now, and a way back that makes a new version. */
export function HistoryView({ app, workspace, path }: Props) {
  const api = useApi();
  const versions = useQuery(versionsQuery(api, app));
  const [chosen, setChosen] = useState<number | null>(null);
  const version = useQuery({ ...versionQuery(api, app, chosen ?? 0), enabled: chosen !== null });
  const restoring = useMutation({
    mutationFn: (number: number) => {
      const before = version.data?.files.get(path) ?? null;
      const changes: Changes = new Map([[path, before]]);
      // What was typed and not saved is replaced, too; the editor's undo brings it back.
      workspace.replace(changes);
      return workspace.commit(changes, t("Restored {path} of v{number}", { path, number }));
    },
  });
  const now = workspace.text(path) ?? "";
  const before = version.data?.files.get(path);
  return (
    <div className={classes.history}>
      <div className={classes.versions}>
        {versions.isPending && <LoadingRows count={4} />}
        {versions.error && <ErrorPanel error={versions.error} onRetry={() => versions.refetch()} />}
        {versions.data?.length === 0 && <p className={classes.hint}>{t("The first save makes the first version.")}</p>}
        <ul className={classes.list} aria-label={t("Versions")}>
          {versions.data?.map(({ number, message, created_at }) => (
            <li key={number}>
              <button
                type="button"
                className={classes.version}
                aria-pressed={number === chosen}
                onClick={() => setChosen(number)}
              >
                <span className={classes.number}>v{number}</span>
                <span className={classes.message}>{message || t("No message")}</span>
                <span className={classes.time}>
                  <Time at={created_at} />
                </span>
              </button>
            </li>
          ))}
        </ul>
      </div>
      <div className={classes.compared}>
        {chosen === null && <p className={classes.hint}>{t("Choose a version to compare it with the text of now.")}</p>}
        {version.error && <ErrorPanel error={version.error} onRetry={() => version.refetch()} />}
        {restoring.error && <ErrorPanel error={restoring.error} />}
        {chosen !== null && version.data && (
          <>
            <div className={classes.bar}>
              <Text size="sm">
                {before === undefined
                  ? t("{path} is not in v{chosen}.", { path, chosen })
                  : before === now
                    ? t("{path} is the same in v{chosen} and now.", { path, chosen })
                    : t("{path}: v{chosen} at the left, now at the right", { path, chosen })}
              </Text>
              <Button
                size="compact-sm"
                variant="default"
                disabled={before === undefined || before === now}
                loading={restoring.isPending}
                onClick={() => restoring.mutate(chosen)}
              >
                {t("Restore v{chosen}", { chosen })}
              </Button>
            </div>
            {before !== undefined && before !== now && (
              <div className={classes.diff}>
                <DiffView path={path} before={before} after={now} />
              </div>
            )}
          </>
        )}
      </div>
    </div>
  );
}
