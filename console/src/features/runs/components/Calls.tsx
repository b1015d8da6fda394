import { Button, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useApi } from "@/api/context";
import { t } from "@/i18n";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows } from "@/ui/Page";
import { Time } from "@/ui/Time";
import { duration } from "@/ui/time";
import { callsQuery, type RunDetail } from "../api";
import classes from "./RunsScreen.module.css";

/** Lists the calls to other services that a run made. */
export function Calls({ run }: { run: RunDetail }) {
  const [page, setPage] = useState(1);
  const calls = useQuery(callsQuery(useApi(), run.id, page));
  if (calls.error) return <ErrorPanel error={calls.error} onRetry={() => calls.refetch()} />;
  if (calls.data === undefined) return <LoadingRows count={5} />;
  if (calls.data.results.length === 0 && page === 1) {
    return (
      <EmptyState title={t("This run has called no other service")}>
        {t("What a script asks of a service through an integration is listed here, with its answer's status and time.")}
      </EmptyState>
    );
  }
  return (
    <>
      <table className={classes.table}>
        <caption className={classes.caption}>{t("Calls of this run, newest first")}</caption>
        <thead>
          <tr>
            <th className={classes.state}>{t("Status")}</th>
            <th>{t("Integration")}</th>
            <th>{t("Call")}</th>
            <th className={classes.time}>{t("When")}</th>
            <th className={classes.took}>{t("Took")}</th>
          </tr>
        </thead>
        <tbody>
          {calls.data.results.map((call) => (
            <tr key={call.id}>
              <td className={call.ok ? undefined : classes.error}>
                {call.status_code} {call.ok ? t("ok") : t("failed")}
              </td>
              <td>
                <bdi>{call.integration_id}</bdi>
              </td>
              <td title={call.endpoint}>
                {call.method} <bdi>{call.endpoint}</bdi>
              </td>
              <td>
                <Time at={call.created_at} />
              </td>
              <td className={classes.took}>{duration(call.elapsed_ms / 1000)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {(page > 1 || calls.data.next !== null) && (
        <Group gap="xs">
          <Button variant="default" size="compact-sm" disabled={page === 1} onClick={() => setPage(page - 1)}>
            {t("Newer calls")}
          </Button>
          <Button variant="default" size="compact-sm" disabled={!calls.data.next} onClick={() => setPage(page + 1)}>
            {t("Older calls")}
          </Button>
          <Text size="sm" c="dimmed">
            {t("Page {page}", { page })}
          </Text>
        </Group>
      )}
    </>
  );
}
