import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { locale, t } from "@/i18n";
import { ErrorPanel } from "@/ui/ErrorPanel";
import type { Editing, Outcome } from "../data/editing";
import { cellKey, type GridStore } from "../data/store";
import { type Column, canAdd, canDelete, type Row, type Value } from "../model/columns";
import { editable } from "../model/display";
import type { Order } from "../model/filter";
import { allOf, at, type Cell, clamp, extendTo, move, rangeOf, type Selection, start, widen } from "../model/selection";
import { CellEditor } from "./CellEditor";
import { Footer } from "./Footer";
import classes from "./Grid.module.css";
import { type GridHandle, GridView } from "./GridView";
import { say, sayError, sayOutcome } from "./messages";
import { ConfirmDelete, Nothing } from "./Notices";
import { PasteDialog } from "./PasteDialog";
import { useClipboard } from "./useClipboard";

/** Rows that one deletion or clearing may touch; "all that match" is for the server. */
const maxAtOnce = 20_000;

export type GridProps = {
  label: string;
  store: GridStore;
  editing: Editing;
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
  /** What can be done with all rows that match, shown when all are selected. */
  forAll: ReactNode;
};

/** The spreadsheet: what is selected, what is edited, and what keys do. */
export function Grid(props: GridProps) {
  const { store, editing, columns } = props;
  useSyncExternalStore(store.subscribe, store.getVersion);
  const [chosen, setSelection] = useState<Selection>(start);
  const [edit, setEdit] = useState<{ cell: Cell; text: string; isTyped: boolean } | null>(null);
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
    const [row, column] = [store.window.at(cell.row), columns[cell.column]];
    if (row === undefined || column === undefined) return;
    if (column.isLocked) return say(t("Your role may not change {column}.", { column: column.name }));
    if (!column.isEditable) return say(t("{column} is maintained by the platform.", { column: column.name }));
    if (!(column.name in row.values)) return say(t("This value is too large to be edited here. Open the row."));
    const state = store.cells.get(cellKey(row.id, column.name));
    const text = state?.kind === "refused" ? state.text : editable(store.valueOf(row, column.name), column, locale);
    setSelection(at(cell));
    setEdit({ cell, text: typed ?? text, isTyped: typed !== null });
  };

  const set = (row: Row, column: Column, after: Value) => {
    store.cells.delete(cellKey(row.id, column.name));
    editing
      .change([{ id: row.id, column: column.name, before: row.values[column.name] ?? null, after }])
      .then((outcome) => {
        if (outcome.left > 0)
          say(t("Somebody else changed this cell meanwhile. Their value is shown; yours was not written."));
      })
      .catch(sayError);
  };

  const commit = (value: Value, then: "down" | "up" | "left" | "right" | "stay") => {
    const [row, column] = edit === null ? [] : [store.window.at(edit.cell.row), columns[edit.cell.column]];
    setEdit(null);
    if (row !== undefined && column !== undefined) set(row, column, value);
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
        .then((outcome) => changes.length > 1 && sayOutcome(outcome, undo))
        .catch(sayError);
    });
  };

  const withCtrl = (key: string, isShift: boolean): boolean => {
    const row = store.window.at(active.row);
    const column = columns[active.column];
    if (key === "a") setSelection(allOf(size));
    else if (key === "z") (isShift ? redo : undo)();
    else if (key === "y") redo();
    else if (key === "d") clipboard.fill({ ...range, bottom: range.top }, range);
    else if (key === "f" && isShift && row && column) props.onFilterBy(column, store.valueOf(row, column.name));
    else if (key === "f" && !isShift) props.onFind();
    else if (key === "backspace") clear(null);
    else if (key === "-") askToRemove();
    else if (key === " ") setSelection(widen(selection, size, "columns"));
    else return false;
    return true;
  };

  const plainKey = (event: KeyboardEvent): boolean => {
    const row = store.window.at(active.row);
    if (event.key === "F2" || (event.key === "Enter" && !event.shiftKey)) begin(active, null);
    else if (event.key === " " && event.shiftKey) setSelection(widen(selection, size, "rows"));
    else if (event.key === " " && row) props.onOpenRow(row.id);
    else if (event.key === "Delete" || event.key === "Backspace") clear(null);
    else if (event.key === "Escape") setSelection(at(active));
    else if (event.key === "Insert") {
      if (canAdd(store.rows.table)) props.onNewRow();
      else say(t("Your role may not add rows to this table."));
    } else if (event.key.length === 1 && event.key !== " ") begin(active, event.key);
    else return false;
    return true;
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (edit !== null || event.altKey) return;
    const ctrl = event.ctrlKey || event.metaKey;
    // Tab leaves the grid at its last cell: the keyboard must never be caught.
    const isWayOut =
      event.key === "Tab" && (event.shiftKey ? active.column === 0 : active.column === columns.length - 1);
    const moved =
      event.key === "Enter" || isWayOut
        ? null
        : move(selection, size, {
            key: event.key,
            ctrl,
            shift: event.shiftKey,
            page: handle.current?.pageRows() ?? 20,
          });
    if (moved !== null) select(moved);
    else if (!(ctrl ? withCtrl(event.key.toLowerCase(), event.shiftKey) : plainKey(event))) return;
    event.preventDefault();
  };

  const onPoint = (cell: Cell, how: "start" | "extend" | "edit" | "row" | "fill") => {
    if (edit !== null && cell.row === edit.cell.row && cell.column === edit.cell.column) return;
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

  const editedColumn = edit === null ? undefined : columns[edit.cell.column];
  // An edit ends where it is when its row goes out of the window.
  useEffect(() => {
    if (edit === null) handle.current?.focus();
  }, [edit]);
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
          onCopy={(event) => edit === null && clipboard.copy(event, range)}
          onPaste={(event) => edit === null && clipboard.paste(event, range)}
          over={
            edit === null || editedColumn === undefined
              ? null
              : {
                  cell: edit.cell,
                  content: (
                    <CellEditor
                      column={editedColumn}
                      rows={store.rows}
                      text={edit.text}
                      isTyped={edit.isTyped}
                      onCommit={commit}
                      onCancel={() => setEdit(null)}
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
