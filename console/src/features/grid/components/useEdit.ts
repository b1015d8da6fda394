import { useEffect, useState } from "react";
import type { CellPresence } from "@/features/presence";
import { locale, t } from "@/i18n";
import type { Editing } from "../data/editing";
import type { GridStore } from "../data/store";
import { cellKey } from "../model/cells";
import { type Column, isSame, type Row, type Value } from "../model/columns";
import { editable, shown } from "../model/display";
import type { Cell } from "../model/selection";
import { say, sayError } from "./messages";

/** Longer texts are not edited in a cell: they are shown by their size. */
const maxEdited = 500_000;

/** A cell that is open, and its row as it was when it was opened, which is what may be written over. */
type Open = { readonly cell: Cell; readonly row: Row; readonly column: Column };
export type Opened =
  | (Open & { readonly kind: "edit"; readonly before: Value; readonly text: string; readonly isTyped: boolean })
  | (Open & { readonly kind: "peek" | "large" });

/** Holds which cell is open, to edit or to look at, and writes what comes of an edit. */
export function useEdit(store: GridStore, editing: Editing, columns: readonly Column[], presence?: CellPresence) {
  const [opened, setOpened] = useState<Opened | null>(null);
  useEffect(() => {
    const isEdited = opened !== null && opened.kind !== "peek";
    presence?.edit(isEdited ? { row: opened.row.id, column: opened.column.name } : null);
  }, [opened, presence]);
  useEffect(() => () => presence?.edit(null), [presence]);

  const at = (cell: Cell): Open | null => {
    const [row, column] = [store.window.at(cell.row), columns[cell.column]];
    return row === undefined || column === undefined ? null : { cell, row, column };
  };

  /** Opens an editor, with what was typed or with what the cell has. Returns false if there is nothing to open. */
  const begin = (cell: Cell, typed: string | null): boolean => {
    const open = at(cell);
    if (open === null) return false;
    const { row, column } = open;
    const before = store.valueOf(row, column.name);
    const state = store.cells.get(cellKey(row.id, column.name));
    const text = state?.kind === "refused" ? state.text : editable(before, column, locale);
    if (!(column.name in row.values) || text.length > maxEdited) setOpened({ ...open, kind: "large" });
    else if (column.isLocked) say(t("Your role may not change {column}.", { column: column.name }));
    else if (!column.isEditable) say(t("{column} is maintained by the platform.", { column: column.name }));
    else setOpened({ ...open, kind: "edit", before, text: typed ?? text, isTyped: typed !== null });
    return true;
  };

  /** Shows the row that a cell refers to. Returns false if it refers to none. */
  const peek = (cell: Cell): boolean => {
    const open = at(cell);
    if (open === null || open.column.reference === null || store.valueOf(open.row, open.column.name) === null)
      return false;
    setOpened({ ...open, kind: "peek" });
    return true;
  };

  const commit = (after: Value) => {
    setOpened(null);
    if (opened?.kind !== "edit") return;
    const { row, column, before } = opened;
    store.cells.delete(cellKey(row.id, column.name));
    editing
      .change([{ id: row.id, column: column.name, before, after }])
      .then(({ left }) => left > 0 && keep(store, row.id, column, after))
      .catch(sayError);
  };

  return { opened, begin, peek, commit, close: () => setOpened(null), notice: noticeOf(store, opened) };
}

/** Says that somebody else changed the cell while it is edited; null if nobody did. */
function noticeOf(store: GridStore, opened: Opened | null): string | null {
  if (opened?.kind !== "edit") return null;
  const { row, column, before } = opened;
  if (store.gone.has(row.id)) return t("This row has been deleted meanwhile.");
  const index = store.window.indexOf(row.id);
  const now = index === undefined ? undefined : store.window.at(index);
  if (now === undefined || isSame(now.values[column.name], row.values[column.name])) return null;
  if (isSame(now.values[column.name], before)) return null;
  return t("Somebody else wrote “{value}” here meanwhile.", { value: shown(now, column, locale) ?? t("empty") });
}

/** Keeps what was not written because somebody else was quicker, and says what they wrote. */
function keep(store: GridStore, id: string, column: Column, after: Value): void {
  const index = store.window.indexOf(id);
  const now = index === undefined ? undefined : store.window.at(index);
  const theirs = now === undefined ? null : (shown(now, column, locale) ?? t("empty"));
  store.cells.set(cellKey(id, column.name), {
    kind: "refused",
    text: editable(after, column, locale),
    reason:
      theirs === null || store.gone.has(id)
        ? t("This row has been deleted meanwhile. What you wrote is kept here until you press Escape.")
        : t(
            "Somebody else wrote “{theirs}” here meanwhile. Edit the cell to write yours all the same, or press Escape.",
            { theirs },
          ),
  });
  store.changed();
}

/** Keeps the selection on its row when rows come and go above it, as long as the same rows are asked for. */
export function useFollowedRow(store: GridStore, row: number, onMoved: (by: number) => void): void {
  const [followed] = useState<{ id: string | null; row: number; epoch: number }>({ id: null, row: 0, epoch: 0 });
  useEffect(() => {
    const id = store.window.at(row)?.id ?? null;
    const isSameView = followed.row === row && followed.epoch === store.epoch;
    if (isSameView && id !== followed.id && followed.id !== null) {
      const index = store.window.indexOf(followed.id);
      if (index !== undefined && index !== row) {
        followed.row = index;
        return onMoved(index - row);
      }
      if (id === null) return;
    }
    Object.assign(followed, { id, row, epoch: store.epoch });
  });
}
