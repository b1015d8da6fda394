/** One cell by its row's index and its column's index, both from 0. */
export type Cell = { readonly row: number; readonly column: number };

/** The active cell, and the corner that a range was opened from. */
export type Selection = { readonly anchor: Cell; readonly active: Cell };

export type Size = { readonly rows: number; readonly columns: number };

/** Both ends are part of it. */
export type Range = {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
};

export type Key = {
  readonly key: string;
  readonly ctrl: boolean;
  readonly shift: boolean;
  /** Rows that fit into the view. */
  readonly page: number;
};

export const start: Selection = at({ row: 0, column: 0 });

/** Selects one cell. */
export function at(cell: Cell): Selection {
  return { anchor: cell, active: cell };
}

export function extendTo(selection: Selection, cell: Cell): Selection {
  return { anchor: selection.anchor, active: cell };
}

/** Moves both corners by a number of rows. */
export function shifted({ anchor, active }: Selection, by: number): Selection {
  return { anchor: { ...anchor, row: anchor.row + by }, active: { ...active, row: active.row + by } };
}

export function rangeOf({ anchor, active }: Selection): Range {
  return {
    top: Math.min(anchor.row, active.row),
    bottom: Math.max(anchor.row, active.row),
    left: Math.min(anchor.column, active.column),
    right: Math.max(anchor.column, active.column),
  };
}

export function countOf(range: Range): number {
  return (range.bottom - range.top + 1) * (range.right - range.left + 1);
}

/** Keeps both corners inside of a grid; a grid without rows keeps row 0. */
export function clamp({ anchor, active }: Selection, size: Size): Selection {
  return { anchor: clampCell(anchor, size), active: clampCell(active, size) };
}

function clampCell(cell: Cell, size: Size): Cell {
  return {
    row: Math.max(0, Math.min(cell.row, size.rows - 1)),
    column: Math.max(0, Math.min(cell.column, size.columns - 1)),
  };
}

export function allOf(size: Size): Selection {
  return clamp({ anchor: { row: size.rows - 1, column: size.columns - 1 }, active: { row: 0, column: 0 } }, size);
}

/** Opens the selection to its whole rows, or with `columns` to its whole columns. */
export function widen(selection: Selection, size: Size, what: "rows" | "columns"): Selection {
  const range = rangeOf(selection);
  return what === "rows"
    ? { anchor: { row: range.top, column: size.columns - 1 }, active: { row: range.bottom, column: 0 } }
    : { anchor: { row: size.rows - 1, column: range.left }, active: { row: 0, column: range.right } };
}

/** Returns the selection after a key, or null for a key that moves nothing. */
export function move(selection: Selection, size: Size, key: Key): Selection | null {
  const target = targetOf(selection.active, size, key);
  if (target === null) return null;
  const cell = clampCell(target, size);
  return key.shift && key.key !== "Tab" && key.key !== "Enter" ? extendTo(selection, cell) : at(cell);
}

function targetOf({ row, column }: Cell, size: Size, { key, ctrl, shift, page }: Key): Cell | null {
  const last = { row: size.rows - 1, column: size.columns - 1 };
  switch (key) {
    case "ArrowUp":
      return { row: ctrl ? 0 : row - 1, column };
    case "ArrowDown":
      return { row: ctrl ? last.row : row + 1, column };
    case "ArrowLeft":
      return { row, column: ctrl ? 0 : column - 1 };
    case "ArrowRight":
      return { row, column: ctrl ? last.column : column + 1 };
    case "Home":
      return { row: ctrl ? 0 : row, column: 0 };
    case "End":
      return { row: ctrl ? last.row : row, column: last.column };
    case "PageUp":
      return { row: row - page, column };
    case "PageDown":
      return { row: row + page, column };
    case "Enter":
      return { row: row + (shift ? -1 : 1), column };
    case "Tab":
      return { row, column: column + (shift ? -1 : 1) };
    default:
      return null;
  }
}
