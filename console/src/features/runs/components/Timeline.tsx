import { Text } from "@mantine/core";
import { useEffect, useState } from "react";
import { t } from "@/i18n";
import { Time } from "@/ui/Time";
import { duration } from "@/ui/time";
import type { RunDetail } from "../api";
import { stagesOf } from "../model/timeline";
import classes from "./Timeline.module.css";

const names = { waited: () => t("Waited for a runner"), ran: () => t("Ran") };

/** Shows how long a run waited and ran, and in how many attempts. */
export function Timeline({ run }: { run: RunDetail }) {
  const now = useNow(run.finished_at === null);
  return (
    <div className={classes.timeline}>
      <table className={classes.stages}>
        <caption className={classes.caption}>{t("What took how long")}</caption>
        <tbody>
          {stagesOf(run, now).map(({ name, from, seconds, begin, width }) => (
            <tr key={name}>
              <th scope="row">{names[name]()}</th>
              <td className={classes.took}>{duration(seconds)}</td>
              <td>
                <Time at={from} />
              </td>
              <td className={classes.track} aria-hidden>
                <span
                  className={classes.bar}
                  data-stage={name}
                  style={{ marginInlineStart: `${begin}%`, width: `max(2px, ${width}%)` }}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {run.starts > 1 && (
        <Text size="sm">
          {t("It was started {count} times: a runner was lost, and the action allows retries.", { count: run.starts })}
        </Text>
      )}
      {run.cancel_requested_at !== null && (
        <Text size="sm">
          {t("Cancelled by request")}: <Time at={run.cancel_requested_at} />
        </Text>
      )}
      {run.runner !== null && (
        <Text size="sm" c="dimmed">
          {t("Runner {name}, isolated by {isolation}", { name: run.runner, isolation: run.isolation ?? "–" })}
        </Text>
      )}
    </div>
  );
}

/** Returns the time; by the second while `goes`. */
function useNow(goes: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!goes) return;
    const timer = window.setInterval(() => setNow(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, [goes]);
  return now;
}
