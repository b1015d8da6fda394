import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { CellPresence } from "@/features/presence";
import { t } from "@/i18n";
import { ErrorPanel } from "@/ui/ErrorPanel";
import type { Editing, Outcome } from "../data/editing";
import type { GridStore } from "../data/store";
import { type Column, canAdd, canDelete, type Reference, type Row, type Value } from "../model/columns";
import type { Order } from "../model/filter";
import { type Command, meaningOf } from "../model/keys";
import {
  allOf,
  at,
  type Cell,
  clamp,
  extendTo,
  move,
  rangeOf,
  type Selection,
  shifted,
  start,
  widen,
} from "../model/selection";
import { Footer } from "./Footer";
import classes from "./Grid.module.css";
import { type GridHandle, GridView } from "./GridView";
import { say, sayError, sayOutcome } from "./messages";
import { ConfirmDelete, Nothing } from "./Notices";
import { OpenedCell } from "./OpenedCell";
import { PasteDialog } from "./PasteDialog";
import { useClipboard } from "./useClipboard";
import { useEdit, useFollowedRow } from "./useEdit";
import { useLeaving } from "./useLeaving";

/** Rows that one deletion or clearing may touch; "all that match" is for the server. */
const maxAtOnce = 20_000;

export type GridProps = {
  label: string;
  store: GridStore;
  editing: Editing;
  presence?: CellPresence;
  columns: readonly Column[];
  widths: readonly number[];
  order: Order;
  isFiltered: boolean;
  onSort: (column: string, isAdded: boolean) => void;
  onResize: (column: string, width: number) => void;
  onOpenRow: (id: string) => void;
  onNewRow: () => void;
  onFilterBy: (column: Column, value: Value) => void;
  onClearFilter: () => void;
  onFind: () => void;
  /** Runs an action with rows. */
  onRun?: (rows: readonly Row[]) => void;
  /** Shows a row that a cell refers to. */
  peek: (reference: Reference, id: string) => ReactNode;
  /** What can be done with all rows that match, shown when all are selected. */
  forAll: ReactNode;
};

/** The spreadsheet: what is selected, what is edited, and what keys do. */
export function Grid(props: GridProps) {
  const { store, editing, columns, onRun } = props;
  useSyncExternalStore(store.subscribe, store.getVersion);
  const [chosen, setSelection] = useState<Selection>(start);
  const edit = useEdit(store, editing, columns, props.presence);
  const [fillFrom, setFillFrom] = useState<Selection | null>(null);
  const [deleting, setDeleting] = useState<readonly Row[] | null>(null);
  const [isPointing, setPointing] = useState(false);
  const handle = useRef<GridHandle>(null);
  const size = { rows: store.window.length, columns: columns.length };
  const selection = clamp(chosen, size);
  const range = rangeOf(selection);
  const { active } = selection;

  const ended = (outcome: Outcome | null, what: string) => {
    if (outcome === null) say(what);
    else sayOutcome(outcome, null);
  };
  const undo = () =>
    void editing
      .undo()
      .then((outcome) => ended(outcome, t("Nothing to undo")))
      .catch(sayError);
  const redo = () =>
    void editing
      .redo()
      .then((outcome) => ended(outcome, t("Nothing to redo")))
      .catch(sayError);
  const clipboard = useClipboard(store, editing, columns, undo);

  const select = (next: Selection) => {
    const inside = clamp(next, size);
    setSelection(inside);
    handle.current?.reveal(inside.active);
  };
  /** Gives the selected rows, also those that are not here, to `work`. */
  const withRows = (work: (rows: Row[]) => void) => {
    if (range.bottom - range.top >= maxAtOnce)
      return say(
        t("At most {max} rows can be changed here at once. Select all rows to change or delete all that match.", {
          max: maxAtOnce,
        }),
      );
    if (size.rows > 0) store.rowsBetween(range.top, range.bottom).then(work).catch(sayError);
  };

  const begin = (cell: Cell, typed: string | null) => {
    if (edit.begin(cell, typed)) setSelection(at(cell));
  };
  useFollowedRow(store, active.row, (by) => setSelection(shifted(selection, by)));
  const onHover = useLeaving(store, range, edit.opened !== null);

  const commit = (value: Value, then: "down" | "up" | "left" | "right" | "stay") => {
    edit.commit(value);
    const step = { down: [1, 0], up: [-1, 0], left: [0, -1], right: [0, 1], stay: [0, 0] }[then];
    if (then === "stay") return;
    select(at({ row: active.row + (step[0] ?? 0), column: active.column + (step[1] ?? 0) }));
    handle.current?.focus();
  };

  const removeRows = (rows: readonly Row[]) => {
    setDeleting(null);
    editing
      .remove(rows)
      .then((outcome) => sayOutcome(outcome, undo))
      .catch(sayError);
  };
  const askToRemove = () => {
    if (!canDelete(store.rows.table)) return say(t("Your role may not delete rows of this table."));
    withRows((rows) => (rows.length > 1 ? setDeleting(rows) : removeRows(rows)));
  };

  const clear = (value: Value) => {
    const editableColumns = columns
      .slice(range.left, range.right + 1)
      .filter((column) => column.isEditable && !column.isRequired);
    if (editableColumns.length === 0) return say(t("This column must not be empty."));
    withRows((rows) => {
      const changes = rows.flatMap((row) =>
        editableColumns.map(({ name }) => ({
          id: row.id,
          column: name,
          before: row.values[name] ?? null,
          after: value,
        })),
      );
      editing
        .change(changes)
        .then((outcome) => (changes.length > 1 || outcome.left > 0) && sayOutcome(outcome, undo))
        .catch(sayError);
    });
  };

  /** Leaves a range for its active cell, and a text that was refused for what the cell has. */
  const collapse = () => {
    const [row, column] = [store.window.at(active.row), columns[active.column]];
    if (row && column) store.dropRefused(row.id, column.name);
    setSelection(at(active));
  };
  const filterBy = () => {
    const [row, column] = [store.window.at(active.row), columns[active.column]];
    if (row && column) props.onFilterBy(column, store.valueOf(row, column.name));
  };
  const peek = () => {
    const row = store.window.at(active.row);
    if (!edit.peek(active) && row) props.onOpenRow(row.id);
  };
  const commands: Readonly<Record<Command, () => void>> = {
    selectAll: () => setSelection(allOf(size)),
    selectRows: () => setSelection(widen(selection, size, "rows")),
    selectColumns: () => setSelection(widen(selection, size, "columns")),
    undo,
    redo,
    fillDown: () => clipboard.fill({ ...range, bottom: range.top }, range),
    find: props.onFind,
    filterBy,
    empty: () => clear(null),
    removeRows: askToRemove,
    newRow: () => (canAdd(store.rows.table) ? props.onNewRow() : say(t("Your role may not add rows to this table."))),
    edit: () => begin(active, null),
    peek,
    collapse,
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (edit.opened !== null) {
      // What is only looked at may have nothing yet that takes the focus.
      if (edit.opened.kind !== "edit" && event.key === "Escape") edit.close();
      return;
    }
    // Tab leaves the grid at its last cell: the keyboard must never be caught.
    const isWayOut =
      event.key === "Tab" && (event.shiftKey ? active.column === 0 : active.column === columns.length - 1);
    const { key, shiftKey: shift } = event;
    const page = handle.current?.pageRows() ?? 20;
    const isMove = !event.altKey && !isWayOut && (key !== "Enter" || shift);
    const moved = isMove ? move(selection, size, { key, ctrl: event.ctrlKey || event.metaKey, shift, page }) : null;
    const meaning = moved === null ? meaningOf(event) : null;
    if (moved !== null) select(moved);
    else if (meaning === null) return;
    else if ("typed" in meaning) begin(active, meaning.typed);
    else commands[meaning.command]();
    event.preventDefault();
  };

  // What is open stays at its row when rows come and go above it.
  const place = edit.opened && {
    row: store.window.indexOf(edit.opened.row.id) ?? edit.opened.cell.row,
    column: edit.opened.cell.column,
  };
  const onPoint = (cell: Cell, how: "start" | "extend" | "edit" | "row" | "fill") => {
    if (edit.opened !== null && place?.row === cell.row && place.column === cell.column) return;
    if (how === "edit") return begin(cell, null);
    if (how === "extend") {
      if (isPointing || fillFrom === null) setSelection(extendTo(selection, cell));
      return;
    }
    setPointing(how !== "row");
    if (how === "fill") setFillFrom(selection);
    else setSelection(how === "row" ? widen(at(cell), size, "rows") : at(cell));
  };
  const onPointEnd = () => {
    setPointing(false);
    if (fillFrom === null) return;
    setFillFrom(null);
    const source = rangeOf(fillFrom);
    const target = { ...range, top: source.top, left: source.left };
    if (target.bottom >= source.bottom && target.right >= source.right) clipboard.fill(source, target);
  };

  const { opened } = edit;
  useEffect(() => void (opened === null && handle.current?.focus()), [opened]);
  return (
    <div className={classes.place}>
      <div className={classes.view}>
        <GridView
          {...props}
          handle={handle}
          selection={selection}
          onPoint={onPoint}
          onPointEnd={onPointEnd}
          onKeyDown={onKeyDown}
          onCopy={(event) => opened === null && clipboard.copy(event, range)}
          onCut={(event) => opened === null && clipboard.copy(event, range) && clear(null)}
          onPaste={(event) => opened === null && clipboard.paste(event, range)}
          onHover={onHover}
          over={
            opened &&
            place && {
              cell: place,
              content: (
                <OpenedCell
                  opened={opened}
                  rows={store.rows}
                  notice={edit.notice}
                  peek={props.peek}
                  onCommit={commit}
                  onClose={edit.close}
                />
              ),
            }
          }
        />
        <div className={classes.empty}>
          {store.error !== null && store.window.length === 0 && (
            <ErrorPanel error={store.error} onRetry={store.reload} />
          )}
          {!store.isLoading && store.error === null && store.window.total === 0 && (
            <Nothing {...props} limits={store.rows.table.limits} />
          )}
        </div>
      </div>
      <Footer
        store={store}
        selection={selection}
        columns={columns}
        job={clipboard.job}
        onSelectAll={() => setSelection(allOf(size))}
        forAll={props.forAll}
        onRun={onRun && (() => withRows(onRun))}
      />
      {deleting !== null && (
        <ConfirmDelete
          count={deleting.length}
          onDelete={() => removeRows(deleting)}
          onCancel={() => setDeleting(null)}
        />
      )}
      {clipboard.plan !== null && (
        <PasteDialog
          plan={clipboard.plan}
          onPaste={() => clipboard.plan !== null && void clipboard.run(clipboard.plan)}
          onCancel={clipboard.cancel}
        />
      )}
    </div>
  );
}
