import IconArrowDown from "@tabler/icons-react/icons/IconArrowDown";
import IconArrowUp from "@tabler/icons-react/icons/IconArrowUp";
import IconLink from "@tabler/icons-react/icons/IconLink";
import { type PointerEvent, useRef } from "react";
import type { Column } from "../model/columns";
import type { Order } from "../model/filter";
import classes from "./GridView.module.css";
import { numberWidth } from "./RowView";

type HeaderRowProps = {
  columns: readonly Column[];
  edges: readonly number[];
  firstColumn: number;
  lastColumn: number;
  order: Order;
  onSort: (column: string, isAdded: boolean) => void;
  onResize: (column: string, width: number) => void;
};

/** The names of the columns: a click sorts, the right edge changes the width. */
export function HeaderRow(props: HeaderRowProps) {
  const { columns, edges, firstColumn, lastColumn, order, onSort, onResize } = props;
  return (
    // biome-ignore lint/a11y/useSemanticElements: see RowView
    // biome-ignore lint/a11y/useFocusableInteractive: see RowView
    <div role="row" aria-rowindex={1}>
      <div aria-hidden className={classes.corner} style={{ width: numberWidth }} />
      {columns.slice(firstColumn, lastColumn + 1).map((column, offset) => {
        const index = firstColumn + offset;
        const left = edges[index] ?? 0;
        const sorted = order.find((item) => item.column === column.name);
        return (
          // biome-ignore lint/a11y/useSemanticElements: see RowView
          // biome-ignore lint/a11y/useFocusableInteractive: see RowView
          // biome-ignore lint/a11y/useKeyWithClickEvents: the menu "Sort" does the same by keyboard
          <div
            key={column.name}
            role="columnheader"
            aria-colindex={index + 1}
            aria-sort={sorted === undefined ? undefined : sorted.isDescending ? "descending" : "ascending"}
            title={column.description || undefined}
            className={classes.header}
            style={{ left: left + numberWidth, width: (edges[index + 1] ?? 0) - left }}
            onClick={(event) => onSort(column.name, event.shiftKey)}
          >
            {column.reference !== null && <IconLink size={14} aria-hidden />}
            <span>{column.name}</span>
            {sorted !== undefined &&
              (sorted.isDescending ? <IconArrowDown size={14} aria-hidden /> : <IconArrowUp size={14} aria-hidden />)}
            <Handle width={(edges[index + 1] ?? 0) - left} onResize={(width) => onResize(column.name, width)} />
          </div>
        );
      })}
    </div>
  );
}

function Handle({ width, onResize }: { width: number; onResize: (width: number) => void }) {
  const start = useRef<{ x: number; width: number } | null>(null);
  const move = (event: PointerEvent) => {
    if (start.current === null) return;
    onResize(Math.min(800, Math.max(60, start.current.width + event.clientX - start.current.x)));
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the menu "Columns" does the same by keyboard
    // biome-ignore lint/a11y/useKeyWithClickEvents: as above
    <div
      className={classes.handle}
      onClick={(event) => event.stopPropagation()}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = { x: event.clientX, width };
      }}
      onPointerMove={move}
      onPointerUp={() => {
        start.current = null;
      }}
    />
  );
}
