import { ScrollArea, Table, Title } from "@mantine/core";
import { t } from "@/i18n";
import { number } from "@/ui/time";
import type { Usage } from "../api";
import { heightOf, nameOfDay } from "../model/usage";
import classes from "./Usage.module.css";

type Day = Usage["days"][number];

/** Runs and calls by day: as bars, and as a table of the same numbers. */
export function DailyUsage({ days }: { days: readonly Day[] }) {
  return (
    <>
      <div className={classes.charts}>
        <Bars
          title={t("Runs")}
          days={days.map(({ day, runs, failed_runs }) => ({ day, all: runs, failed: failed_runs }))}
        />
        <Bars
          title={t("Calls to integrations")}
          days={days.map(({ day, calls, failed_calls }) => ({ day, all: calls, failed: failed_calls }))}
        />
      </div>
      <DayTable days={days} />
    </>
  );
}

type Counted = { day: string; all: number | null; failed: number | null };

/** Says with bars what the table says with numbers. */
function Bars({ title, days }: { title: string; days: readonly Counted[] }) {
  const highest = Math.max(1, ...days.map(({ all }) => all ?? 0));
  return (
    <div>
      <Title order={3} size="h6">
        {title}
      </Title>
      <div className={classes.bars} aria-hidden>
        {days.map(({ day, all, failed }) => (
          <span key={day} className={classes.bar} title={`${nameOfDay(day)}: ${all === null ? "?" : number(all)}`}>
            <span className={classes.failed} style={{ height: heightOf(failed ?? 0, highest) }} />
            <span className={classes.other} style={{ height: heightOf((all ?? 0) - (failed ?? 0), highest) }} />
          </span>
        ))}
      </div>
    </div>
  );
}

function DayTable({ days }: { days: readonly Day[] }) {
  const columns = [
    { key: "runs", title: t("Runs") },
    { key: "failed_runs", title: t("Failed runs") },
    { key: "calls", title: t("Calls") },
    { key: "failed_calls", title: t("Failed calls") },
  ] as const;
  return (
    <ScrollArea.Autosize
      mah="24rem"
      type="auto"
      offsetScrollbars="y"
      viewportProps={{ tabIndex: 0, "aria-label": t("Usage by day") }}
    >
      <Table aria-label={t("Usage by day")} stickyHeader>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{t("Day")}</Table.Th>
            {columns.map(({ key, title }) => (
              <Table.Th key={key} scope="col" className={classes.number}>
                {title}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {days.toReversed().map((day) => (
            <Table.Tr key={day.day}>
              <Table.Th scope="row">{nameOfDay(day.day)}</Table.Th>
              {columns.map(({ key }) => (
                <Table.Td key={key} className={classes.number}>
                  {day[key] === null ? t("not counted") : number(day[key])}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea.Autosize>
  );
}
