import { Text, VisuallyHidden } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type PointerEvent, useState } from "react";
import { useApi } from "@/api/context";
import { t } from "@/i18n";
import { absoluteTime } from "@/ui/time";
import { type Histogram as Counts, histogramQuery, type RunScope } from "../api";
import { timeOf, totalOf } from "../model/bars";
import type { RunFilters } from "../model/filters";
import classes from "./Histogram.module.css";

type Props = { scope: RunScope; filters: RunFilters; onFilter: (filters: RunFilters) => void; isEnabled: boolean };

/** Shows runs over time as bars, failed ones apart. A bar chooses its time, and dragging over several chooses theirs. */
export function Histogram({ scope, filters, onFilter, isEnabled }: Props) {
  const { data, error } = useQuery({ ...histogramQuery(useApi(), scope, filters), enabled: isEnabled });
  return (
    <section className={classes.histogram} aria-label={t("Runs over time")}>
      {data === undefined ? (
        <div className={classes.bars} aria-busy={error === null} />
      ) : (
        <>
          <Bars counts={data} onChoose={(time) => onFilter({ ...filters, ...time })} />
          <Table counts={data} />
        </>
      )}
      <div className={classes.ends}>
        <Text size="xs" c="dimmed">
          {error !== null && t("Runs could not be counted over time.")}
          {data && startOf(data)}
        </Text>
        <Text size="xs" c="dimmed">
          {data && absoluteTime(data.to)}
        </Text>
      </div>
    </section>
  );
}

type Range = { one: number; other: number };

function Bars({ counts, onChoose }: { counts: Counts; onChoose: (time: { from: string; to: string }) => void }) {
  const [range, setRange] = useState<Range | null>(null);
  const { buckets } = counts;
  const highest = Math.max(1, ...buckets.map(totalOf));
  const at = ({ currentTarget, clientX }: PointerEvent) => {
    const { left, width } = currentTarget.getBoundingClientRect();
    return Math.min(buckets.length - 1, Math.max(0, Math.floor(((clientX - left) / width) * buckets.length)));
  };
  const choose = (one: number, other: number) => {
    const time = timeOf(counts, one, other);
    if (time !== null) onChoose(time);
  };
  const within = (index: number) =>
    range !== null && index >= Math.min(range.one, range.other) && index <= Math.max(range.one, range.other);
  return (
    <div
      className={classes.bars}
      onPointerDown={(event) => {
        if (event.button === 0) setRange({ one: at(event), other: at(event) });
      }}
      onPointerMove={(event) => {
        if (range === null || event.buttons === 0) return;
        // Not before it moves: a captured pointer's click would not be the bar's.
        event.currentTarget.setPointerCapture(event.pointerId);
        setRange({ ...range, other: at(event) });
      }}
      onPointerUp={() => {
        if (range !== null && range.one !== range.other) choose(range.one, range.other);
        setRange(null);
      }}
      onPointerCancel={() => setRange(null)}
    >
      {buckets.map((bucket, index) => {
        const label = labelOf(bucket);
        const parts = [
          [classes.failed, bucket.failed],
          [classes.open, bucket.open],
          [classes.other, bucket.completed + bucket.stopped],
        ] as const;
        return (
          <button
            key={bucket.start}
            type="button"
            className={classes.bar}
            disabled={totalOf(bucket) === 0}
            data-chosen={within(index) || undefined}
            title={label}
            aria-label={label}
            onClick={() => choose(index, index)}
          >
            {parts.map(([name, count]) => (
              <span key={name} className={name} style={{ height: share(count, highest) }} />
            ))}
          </button>
        );
      })}
    </div>
  );
}

/** The same numbers for who cannot see bars. */
function Table({ counts }: { counts: Counts }) {
  return (
    <VisuallyHidden>
      <table>
        <caption>{t("Runs over time, by how they ended")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("From")}</th>
            <th scope="col">{t("completed")}</th>
            <th scope="col">{t("failed")}</th>
            <th scope="col">{t("stopped")}</th>
            <th scope="col">{t("not ended")}</th>
          </tr>
        </thead>
        <tbody>
          {counts.buckets
            .filter((bucket) => totalOf(bucket) > 0)
            .map((bucket) => (
              <tr key={bucket.start}>
                <th scope="row">{absoluteTime(bucket.start)}</th>
                <td>{bucket.completed}</td>
                <td>{bucket.failed}</td>
                <td>{bucket.stopped}</td>
                <td>{bucket.open}</td>
              </tr>
            ))}
        </tbody>
      </table>
    </VisuallyHidden>
  );
}

function startOf({ from, counted_from }: Counts): string {
  const start = absoluteTime(from);
  if (counted_from === from) return start;
  return t("{start}; older than {time} is not counted", { start, time: absoluteTime(counted_from) });
}

function labelOf(bucket: Counts["buckets"][number]): string {
  const counts = { time: absoluteTime(bucket.start), all: totalOf(bucket), failed: bucket.failed };
  return t("{time}: {all, plural, one {# run} other {# runs}}, {failed} failed", counts);
}

function share(count: number, highest: number): string {
  return count === 0 ? "0" : `max(2px, ${(100 * count) / highest}%)`;
}
