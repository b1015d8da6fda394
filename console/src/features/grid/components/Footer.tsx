import { Button } from "@mantine/core";
import { type ReactNode, useSyncExternalStore } from "react";
import { messageOf } from "@/api/errors";
import { t } from "@/i18n";
import { number } from "@/ui/time";
import type { GridStore } from "../data/store";
import { cellKey } from "../model/cells";
import { type Column, isNumeric } from "../model/columns";
import { countOf, rangeOf, type Selection } from "../model/selection";
import classes from "./Grid.module.css";

export type Job = { readonly text: string; readonly done: number; readonly all: number; readonly cancel: () => void };

/** Says how many rows there are, what is selected and its sum, and what is being written. */
export function Footer(props: {
  store: GridStore;
  selection: Selection;
  columns: readonly Column[];
  job: Job | null;
  onSelectAll: () => void;
  forAll: ReactNode;
  /** Runs an action with the selected rows. */
  onRun?: (() => void) | undefined;
}) {
  const { store, selection, columns, job } = props;
  useSyncExternalStore(store.subscribe, store.getVersion);
  const range = rangeOf(selection);
  const row = store.window.at(selection.active.row);
  const column = columns[selection.active.column];
  const state = row && column ? store.cells.get(cellKey(row.id, column.name)) : undefined;
  const isWhole = store.window.length > 0 && range.top === 0 && range.bottom === store.window.length - 1;
  const sums = countOf(range) > 1 ? sumOf(store, selection, columns) : null;
  return (
    <div className={classes.footer}>
      <span role="status">{countText(store)}</span>
      {countOf(range) > 1 && store.window.length > 0 && (
        <span>
          {t("{cells, plural, one {# cell} other {# cells}} in {rows, plural, one {# row} other {# rows}} selected", {
            cells: countOf(range),
            rows: range.bottom - range.top + 1,
          })}
        </span>
      )}
      {range.bottom > range.top && !isWhole && (
        <Button size="compact-xs" variant="default" onClick={props.onSelectAll}>
          {store.counting.isDone
            ? t("Select all {count} that match", { count: number(store.window.length) })
            : t("Select all that match")}
        </Button>
      )}
      {props.onRun !== undefined && countOf(range) > 1 && store.window.length > 0 && (
        <Button size="compact-xs" variant="default" onClick={props.onRun}>
          {t("Run an action with {rows, plural, one {# row} other {# rows}}", { rows: range.bottom - range.top + 1 })}
        </Button>
      )}
      {isWhole && store.counting.isDone && countOf(range) > 1 && props.forAll}
      {sums !== null && (
        <span>
          {t("avg {average} · sum {sum}", { average: number(sums.sum / sums.count), sum: number(sums.sum, 6) })}
        </span>
      )}
      {state?.kind === "refused" && (
        <span role="alert" className={classes.reason}>
          {state.reason}
        </span>
      )}
      {store.error !== null && store.window.length > 0 && (
        <span role="alert" className={classes.reason}>
          {messageOf(store.error)}
        </span>
      )}
      {store.isWaiting && (
        <span role="alert" className={classes.reason}>
          {t("Not saved: the server cannot be reached. What you wrote is kept and sent again.")}
        </span>
      )}
      {job !== null && (
        <span role="status" className={classes.end}>
          {job.text} {number(job.done)} / {number(job.all)}{" "}
          <Button size="compact-xs" variant="default" onClick={job.cancel}>
            {t("Cancel")}
          </Button>
        </span>
      )}
    </div>
  );
}

function countText(store: GridStore): string {
  const { window, counting, isLoading } = store;
  if (isLoading) return t("Loading");
  if (window.total !== null && counting.isDone)
    return t("{count, plural, one {# row} other {# rows}}", { count: window.total });
  if (counting.estimate !== null && counting.estimate > window.length)
    return t("about {count} rows, counting …", { count: number(counting.estimate) });
  return t("{count}+ rows, counting …", { count: number(window.length) });
}

/** Sums up the numbers of a selection; null if a row of it is not here or nothing is a number. */
function sumOf(store: GridStore, selection: Selection, columns: readonly Column[]) {
  const range = rangeOf(selection);
  if (range.bottom - range.top >= store.window.loaded) return null;
  const numbers = columns.slice(range.left, range.right + 1).filter(isNumeric);
  let [sum, count] = [0, 0];
  for (let index = range.top; index <= range.bottom; index += 1) {
    const row = store.window.at(index);
    if (row === undefined) return null;
    for (const { name } of numbers) {
      const value = store.valueOf(row, name);
      if (value === null) continue;
      sum += Number(value);
      count += 1;
    }
  }
  return count === 0 ? null : { sum, count };
}
