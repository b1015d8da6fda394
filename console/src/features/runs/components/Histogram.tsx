import { useQuery } from "@tanstack/react-query";
import { useApi } from "@/api/context";
import { t } from "@/i18n";
import { absoluteTime } from "@/ui/time";
import { histogramQuery, type RunScope } from "../api";
import type { RunFilters } from "../model/filters";
import classes from "./Histogram.module.css";

type Props = { scope: RunScope; filters: RunFilters; onFilter: (filters: RunFilters) => void };

/** Shows runs over time as bars, failed ones apart; a bar chooses its time. */
export function Histogram({ scope, filters, onFilter }: Props) {
  const histogram = useQuery(histogramQuery(useApi(), scope, filters));
  const buckets = histogram.data?.buckets ?? [];
  const highest = Math.max(1, ...buckets.map((bucket) => total(bucket)));
  const width = (histogram.data?.bucket_seconds ?? 0) * 1000;
  return (
    <section className={classes.bars} aria-label={t("Runs over time")}>
      {buckets.map((bucket) => {
        if (total(bucket) === 0) return <span key={bucket.start} className={classes.bar} />;
        const counts = { time: absoluteTime(bucket.start), all: total(bucket), failed: bucket.failed };
        const label = t("{time}: {all, plural, one {# run} other {# runs}}, {failed} failed", counts);
        const end = new Date(Date.parse(bucket.start) + width).toISOString();
        return (
          <button
            key={bucket.start}
            type="button"
            className={classes.bar}
            title={label}
            aria-label={label}
            onClick={() => onFilter({ ...filters, from: new Date(bucket.start).toISOString(), to: end })}
          >
            <span className={classes.failed} style={{ height: share(bucket.failed, highest) }} />
            <span className={classes.open} style={{ height: share(bucket.open, highest) }} />
            <span className={classes.other} style={{ height: share(bucket.completed + bucket.stopped, highest) }} />
          </button>
        );
      })}
    </section>
  );
}

function total(bucket: { completed: number; failed: number; stopped: number; open: number }): number {
  return bucket.completed + bucket.failed + bucket.stopped + bucket.open;
}

function share(count: number, highest: number): string {
  return count === 0 ? "0" : `max(2px, ${(100 * count) / highest}%)`;
}
