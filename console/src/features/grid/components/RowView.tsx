import { memo } from "react";
import type { Mark, Marks } from "@/features/presence";
import { locale, t } from "@/i18n";
import { number } from "@/ui/time";
import type { CellState } from "../model/cells";
import { type Column, isNumeric, type Row } from "../model/columns";
import { shown } from "../model/display";
import classes from "./GridView.module.css";

export type RowViewProps = {
  /** Stands before the ids of its cells: two grids on a page have different ones. */
  prefix: string;
  index: number;
  top: number;
  row: Row | undefined;
  state: "moved" | "gone" | undefined;
  /** The states of its cells by column, null for none. */
  cells: ReadonlyMap<string, CellState> | null;
  /** Who else edits cells of it. */
  marks: Marks | undefined;
  columns: readonly Column[];
  edges: readonly number[];
  firstColumn: number;
  lastColumn: number;
};

/** One row slot. Its cells are text; events are handled by the grid. */
export const RowView = memo(function RowView(props: RowViewProps) {
  const { prefix, index, top, row, state, cells, marks, columns, edges, firstColumn, lastColumn } = props;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a table element cannot be laid out in a window of rows and columns
    // biome-ignore lint/a11y/useFocusableInteractive: focus stays at the grid, which names the active cell
    <div
      role="row"
      aria-rowindex={index + 2}
      data-row={index}
      data-state={state}
      className={classes.row}
      style={{ transform: `translateY(${top}px)` }}
    >
      {columns.slice(firstColumn, lastColumn + 1).map((column, offset) => (
        <Cell
          key={column.name}
          id={`${prefix}-${index}-${firstColumn + offset}`}
          column={column}
          index={firstColumn + offset}
          left={edges[firstColumn + offset] ?? 0}
          right={edges[firstColumn + offset + 1] ?? 0}
          row={row}
          state={cells?.get(column.name)}
          mark={marks?.get(column.name)}
        />
      ))}
    </div>
  );
});

/** The number of a row, at the left of it and beside the tree: the row itself says its index. */
export const RowNumber = memo(function RowNumber({ index, top }: { index: number; top: number }) {
  return (
    <div data-number data-row={index} className={classes.number} style={{ transform: `translateY(${top}px)` }}>
      {number(index + 1)}
    </div>
  );
});

/** Pixels that row numbers take. */
export const numberWidth = 64;

type CellProps = {
  id: string;
  column: Column;
  index: number;
  left: number;
  right: number;
  row: Row | undefined;
  state: CellState | undefined;
  mark: Mark | undefined;
};

function Cell({ id, column, index, left, right, row, state, mark }: CellProps) {
  const edited = mark && t("{names} is editing this cell", { names: mark.names });
  const text = row === undefined ? null : textOf(row, column, state);
  const value = state?.kind === "pending" ? state.value : row?.values[column.name];
  return (
    // biome-ignore lint/a11y/useSemanticElements: as above
    // biome-ignore lint/a11y/useFocusableInteractive: as above
    <div
      role="gridcell"
      id={id}
      aria-colindex={index + 1}
      aria-readonly={column.isEditable ? undefined : true}
      aria-invalid={state?.kind === "refused" ? true : undefined}
      data-column={index}
      data-numeric={isNumeric(column) || undefined}
      data-null={(row !== undefined && text === null) || undefined}
      data-link={(column.reference !== null && value !== null) || undefined}
      data-pending={state?.kind === "pending" || undefined}
      data-refused={state?.kind === "refused" || undefined}
      data-edited={mark?.initials}
      aria-description={edited}
      title={titleOf(state, row !== undefined && value === undefined) ?? edited}
      className={classes.cell}
      style={{ left: left + numberWidth, width: right - left }}
    >
      {row === undefined ? <i /> : (text ?? t("empty"))}
    </div>
  );
}

function titleOf(state: CellState | undefined, isMissing: boolean): string | undefined {
  if (state?.kind === "refused") return state.reason;
  return isMissing ? t("Too large to be read with the others. Open the row to see it.") : undefined;
}

function textOf(row: Row, column: Column, state: CellState | undefined): string | null {
  if (state?.kind === "refused") return state.text;
  if (state?.kind !== "pending") return shown(row, column, locale);
  return shown({ ...row, values: { [column.name]: state.value }, labels: {} }, column, locale);
}
