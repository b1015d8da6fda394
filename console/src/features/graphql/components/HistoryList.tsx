import { Text } from "@mantine/core";
import { t } from "@/i18n";
import { LoadingRows } from "@/ui/Page";
import { Time } from "@/ui/Time";
import type { Entry } from "../model/history";
import { titleOf } from "../model/operations";
import classes from "./ApiPage.module.css";

/** What was run before; each opens in a tab of its own. */
export function HistoryList({
  entries,
  onOpen,
}: {
  entries: readonly Entry[] | undefined;
  onOpen: (entry: Entry) => void;
}) {
  if (entries === undefined) return <LoadingRows count={3} />;
  if (entries.length === 0) return <Text c="dimmed">{t("What you run is kept here, for you alone.")}</Text>;
  return (
    <ul className={classes.items} aria-label={t("History")}>
      {entries.map((entry) => (
        <li key={entry.query + entry.variables}>
          <button type="button" className={classes.entry} onClick={() => onOpen(entry)}>
            <strong>{titleOf(entry.query) ?? t("Query")}</strong>{" "}
            <Text span size="sm" c="dimmed">
              <Time at={entry.at} />
            </Text>
            <code className={classes.line}>{entry.query.replaceAll(/\s+/g, " ").slice(0, 160)}</code>
          </button>
        </li>
      ))}
    </ul>
  );
}
