import { type ClipboardEvent, useState } from "react";
import { locale, t } from "@/i18n";
import type { Editing, Outcome } from "../data/editing";
import type { GridStore } from "../data/store";
import { type Cells, fromTsv, toTsv } from "../model/clipboard";
import { type Column, canAdd, type Row } from "../model/columns";
import { editable } from "../model/display";
import { fromHtml, toHtml } from "../model/html";
import { coverOf, describePlan, type PastePlan, planPaste } from "../model/paste";
import { countOf, type Range } from "../model/selection";
import type { Job } from "./Footer";
import { say, sayError, sayOutcome } from "./messages";

/** More cells than this, or any bad one, and pasting first says what it would do. */
const dryRunAbove = 200;
const maxCopied = 20_000;
const maxPasted = 100_000;

/** Copies, pastes and fills ranges. */
export function useClipboard(store: GridStore, editing: Editing, columns: readonly Column[], undo: () => void) {
  const [plan, setPlan] = useState<PastePlan | null>(null);
  const [job, setJob] = useState<Job | null>(null);

  const cellsOf = (rows: readonly Row[], range: Range): Cells =>
    rows.map((row) =>
      columns.slice(range.left, range.right + 1).map((column) => {
        if (!(column.name in row.values)) throw new TooLarge();
        const value = store.valueOf(row, column.name);
        return value === null ? null : editable(value, column, locale);
      }),
    );

  /** Puts a range on the clipboard. Returns false for one that it cannot hold. */
  const copy = (event: ClipboardEvent, range: Range): boolean => {
    const size = range.bottom - range.top + 1;
    event.preventDefault();
    if (size > maxCopied) {
      say(t("At most {max} rows can be copied; export the table for more.", { max: maxCopied }));
      return false;
    }
    const here = Array.from({ length: size }, (_, offset) => store.window.at(range.top + offset));
    try {
      if (here.every((row) => row !== undefined)) {
        const cells = cellsOf(here, range);
        event.clipboardData.setData("text/plain", toTsv(cells));
        event.clipboardData.setData("text/html", toHtml(cells));
      } else copyLater(store.rowsBetween(range.top, range.bottom).then((rows) => cellsOf(rows, range)));
      return true;
    } catch (error) {
      sayTrouble(error);
      return false;
    }
  };

  /** Copies what is still to be read: the browser allows it while it waits. */
  const copyLater = (reading: Promise<Cells>) => {
    const blob = (type: string, write: (cells: Cells) => string) =>
      reading.then((cells) => new Blob([write(cells)], { type }));
    navigator.clipboard
      .write([new ClipboardItem({ "text/plain": blob("text/plain", toTsv), "text/html": blob("text/html", toHtml) })])
      .then(async () => say(t("{count, plural, one {# row} other {# rows}} copied", { count: (await reading).length })))
      .catch(sayTrouble);
  };

  const run = async (plan: PastePlan) => {
    setPlan(null);
    const stopping = new AbortController();
    const text = t("Writing");
    const all = new Set(plan.changes.map(({ id }) => id)).size;
    if (all > 500) setJob({ text, done: 0, all, cancel: () => stopping.abort() });
    try {
      const outcome: Outcome = await editing.change(plan.changes, plan.added, stopping.signal, (done, rows) => {
        if (all > 500) setJob({ text, done, all: rows, cancel: () => stopping.abort() });
      });
      const isSaid = plan.changes.length + plan.added.length > 1 || outcome.left > 0 || outcome.error !== null;
      if (isSaid) sayOutcome(outcome, undo);
    } catch (error) {
      sayError(error);
    } finally {
      setJob(null);
    }
  };

  /** Writes texts into the range, and beyond the last row as new rows; asks first when there is something to ask. */
  const write = async (copied: Cells, range: Range, isAdding: boolean) => {
    const cover = coverOf(copied, range);
    if (cover.rows * cover.columns > maxPasted) {
      return say(t("At most {max} cells can be pasted at once; import a file for more.", { max: maxPasted }));
    }
    const last = Math.min(range.top + cover.rows, store.window.length) - 1;
    const rows = last < range.top ? [] : await store.rowsBetween(range.top, last);
    const cells = isAdding ? cover.cells : cover.cells.slice(0, rows.length);
    const planned = planPaste(cells, rows, columns.slice(range.left, range.left + cover.columns), range.top, locale);
    const size = planned.changes.length + planned.added.length * cover.columns;
    if (size === 0 && planned.bad.length === 0) return;
    if (size > dryRunAbove || planned.bad.length > 0) setPlan(planned);
    else await run(planned);
  };

  const paste = (event: ClipboardEvent, range: Range) => {
    event.preventDefault();
    const text = event.clipboardData.getData("text/plain");
    // HTML says more: lines and NULL in cells, cells that span others, the number behind a text.
    const cells = fromHtml(event.clipboardData.getData("text/html")) ?? (text === "" ? null : fromTsv(text));
    if (cells !== null) write(cells, range, canAdd(store.rows.table)).catch(sayError);
  };

  /** Repeats `source` over `target`, which begins with it. */
  const fill = (source: Range, target: Range) => {
    store
      .rowsBetween(source.top, source.bottom)
      .then((rows) => {
        const copied = cellsOf(rows, source);
        const cells = Array.from({ length: target.bottom - target.top + 1 }, (_, row) =>
          Array.from(
            { length: target.right - target.left + 1 },
            (_, column) => copied[row % copied.length]?.[column % (copied[0]?.length ?? 1)] ?? null,
          ),
        );
        return countOf(target) > countOf(source) ? write(cells, target, false) : undefined;
      })
      .catch(sayTrouble);
  };

  return { plan, job, copy, paste, fill, run, cancel: () => setPlan(null), describe: describePlan };
}

/** Reports that a range has a value that was not read, because it is too large. */
class TooLarge extends Error {}

function sayTrouble(error: unknown): void {
  if (error instanceof TooLarge) say(t("A value in this range is too large to be copied. Open it to download it."));
  else sayError(error);
}
