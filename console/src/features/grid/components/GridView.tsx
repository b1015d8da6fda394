import {
  type ReactNode,
  type Ref,
  useEffect,
  useId,
  useImperativeHandle,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import type { CellPresence, Marks } from "@/features/presence";
import { t } from "@/i18n";
import type { GridStore } from "../data/store";
import { type CellState, cellKey } from "../model/cells";
import type { Column, Row } from "../model/columns";
import type { Order } from "../model/filter";
import { type Cell, countOf, rangeOf, type Selection } from "../model/selection";
import { columnsAt, edgesOf, heightOf, scrollTo, viewAt } from "../model/viewport";
import classes from "./GridView.module.css";
import { HeaderRow } from "./HeaderRow";
import { numberWidth, RowNumber, RowView } from "./RowView";

/** `--am-row-default` of the theme. */
export const rowHeight = 34;
const overscan = 6;

export type GridHandle = { focus: () => void; reveal: (cell: Cell) => void; pageRows: () => number };

export type GridViewProps = {
  label: string;
  store: GridStore;
  presence?: CellPresence;
  columns: readonly Column[];
  widths: readonly number[];
  order: Order;
  selection: Selection;
  handle: Ref<GridHandle>;
  onSort: (column: string, isAdded: boolean) => void;
  onResize: (column: string, width: number) => void;
  onPoint: (cell: Cell, how: "start" | "extend" | "edit" | "row" | "fill") => void;
  onPointEnd: () => void;
  /** Says over which row the pointer is; null for none. */
  onHover: (row: number | null) => void;
  onKeyDown: (event: React.KeyboardEvent) => void;
  onCopy: (event: React.ClipboardEvent) => void;
  onCut: (event: React.ClipboardEvent) => void;
  onPaste: (event: React.ClipboardEvent) => void;
  /** What is drawn over a cell: its editor. */
  over: { cell: Cell; content: ReactNode } | null;
};

/** Paints the part of the rows and columns that is in view. It holds no state but where it is scrolled to. */
export function GridView(props: GridViewProps) {
  const { store, columns, widths, selection, over } = props;
  useSyncExternalStore(store.subscribe, store.getVersion);
  const marks = useSyncExternalStore(props.presence?.subscribe ?? never, props.presence?.read ?? noMarks);
  const prefix = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const [box, setBox] = useState({ width: 1000, height: 600 });
  const [scroll, setScroll] = useState({ top: 0, left: 0 });
  const edges = useMemo(() => edgesOf(widths), [widths]);
  const rows = { count: store.window.length, height: rowHeight };
  const bodyHeight = box.height - rowHeight;
  const view = viewAt(scroll.top, bodyHeight, rows, overscan);
  const [firstColumn, lastColumn] = columnsAt(edges, scroll.left, box.width - numberWidth);

  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setBox({ width: entry.contentRect.width, height: entry.contentRect.height });
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const { first, last } = view;
  useEffect(
    () => store.show(Math.min(first + overscan, Math.max(0, last)), Math.max(0, last - overscan)),
    [store, first, last],
  );

  const reveal = (cell: Cell) => {
    const element = scroller.current;
    if (element === null) return;
    const top = scrollTo(cell.row, element.scrollTop, element.clientHeight - rowHeight, rows);
    if (top !== null) element.scrollTop = top;
    const [left, right] = [edges[cell.column] ?? 0, edges[cell.column + 1] ?? 0];
    const width = element.clientWidth - numberWidth;
    if (left < element.scrollLeft) element.scrollLeft = left;
    else if (right > element.scrollLeft + width) element.scrollLeft = Math.min(left, right - width);
  };
  useImperativeHandle(props.handle, () => ({
    focus: () => scroller.current?.focus({ preventScroll: true }),
    reveal,
    pageRows: () => Math.max(1, Math.floor((box.height - rowHeight) / rowHeight) - 1),
  }));

  // A row keeps its slot while it is in view, so that scrolling by one row paints one row.
  const slots = Math.ceil(bodyHeight / rowHeight) + 2 * overscan + 2;
  const range = rangeOf(selection);
  const { active } = selection;
  const isActiveShown =
    active.row >= first && active.row <= last && active.column >= firstColumn && active.column <= lastColumn;
  return (
    // biome-ignore lint/a11y/useSemanticElements: see RowView
    <div
      ref={scroller}
      role="grid"
      aria-label={props.label}
      aria-rowcount={rows.count + 1}
      aria-colcount={columns.length}
      aria-multiselectable
      aria-activedescendant={isActiveShown && rows.count > 0 ? `${prefix}-${active.row}-${active.column}` : undefined}
      tabIndex={0}
      className={classes.grid}
      onScroll={(event) => {
        const { scrollTop: top, scrollLeft: left } = event.currentTarget;
        const next = viewAt(top, bodyHeight, rows, overscan);
        const [from, to] = columnsAt(edges, left, box.width - numberWidth);
        const isSame = next.first === first && next.last === last && next.shift === view.shift;
        if (!isSame || from !== firstColumn || to !== lastColumn) setScroll({ top, left });
      }}
      onPointerDown={(event) => {
        const cell = cellAt(event.target);
        if (cell === null || event.button !== 0) return;
        props.onPoint(cell.cell, cell.isFill ? "fill" : cell.isNumber ? "row" : event.shiftKey ? "extend" : "start");
      }}
      onPointerMove={(event) => {
        const cell = cellAt(event.target);
        props.onHover(cell?.cell.row ?? null);
        if (event.buttons === 1 && cell !== null && !cell.isFill && !cell.isNumber) props.onPoint(cell.cell, "extend");
      }}
      onPointerLeave={() => props.onHover(null)}
      onPointerUp={props.onPointEnd}
      onDoubleClick={(event) => {
        const cell = cellAt(event.target);
        if (cell !== null && !cell.isFill) props.onPoint(cell.cell, cell.isNumber ? "row" : "edit");
      }}
      onKeyDown={props.onKeyDown}
      onCopy={props.onCopy}
      onCut={props.onCut}
      onPaste={props.onPaste}
    >
      {/* biome-ignore lint/a11y/useSemanticElements: see RowView */}
      <div role="rowgroup" className={classes.head} style={{ width: (edges.at(-1) ?? 0) + numberWidth }}>
        <HeaderRow {...props} edges={edges} firstColumn={firstColumn} lastColumn={lastColumn} />
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: see RowView */}
      <div
        role="rowgroup"
        aria-label={t("Rows")}
        className={classes.body}
        style={{ width: (edges.at(-1) ?? 0) + numberWidth, height: heightOf(rows) }}
      >
        <div aria-hidden className={classes.gutter} style={{ width: numberWidth }}>
          {Array.from({ length: last - first + 1 }, (_, offset) => {
            const index = first + offset;
            return <RowNumber key={index % slots} index={index} top={index * rowHeight - view.shift} />;
          })}
        </div>
        {Array.from({ length: last - first + 1 }, (_, offset) => {
          const index = first + offset;
          const row = store.window.at(index);
          return (
            <RowView
              key={index % slots}
              prefix={prefix}
              index={index}
              top={index * rowHeight - view.shift}
              row={row}
              state={row === undefined ? undefined : stateOf(store, row)}
              cells={row === undefined ? null : cellsOf(store, row, columns)}
              marks={row === undefined ? undefined : marks.get(row.id)}
              columns={columns}
              edges={edges}
              firstColumn={firstColumn}
              lastColumn={lastColumn}
            />
          );
        })}
        {rows.count > 0 && countOf(range) > 1 && (
          <div
            className={classes.range}
            style={boxOf(range.top, range.bottom, range.left, range.right, edges, view.shift)}
          />
        )}
        {rows.count > 0 && (
          <div
            className={classes.active}
            style={boxOf(active.row, active.row, active.column, active.column, edges, view.shift)}
          />
        )}
        {rows.count > 0 && over === null && (
          <div
            className={classes.active}
            data-corner
            style={boxOf(range.top, range.bottom, range.left, range.right, edges, view.shift)}
          >
            <div className={classes.fill} data-fill data-row={range.bottom} data-column={range.right} />
          </div>
        )}
        {over !== null && (
          // biome-ignore lint/a11y/useSemanticElements: see RowView
          // biome-ignore lint/a11y/useFocusableInteractive: see RowView
          <div role="row" aria-rowindex={over.cell.row + 2}>
            {/* biome-ignore lint/a11y/useSemanticElements: see RowView */}
            {/* biome-ignore lint/a11y/useFocusableInteractive: see RowView */}
            <div
              role="gridcell"
              aria-colindex={over.cell.column + 1}
              className={classes.over}
              style={boxOf(over.cell.row, over.cell.row, over.cell.column, over.cell.column, edges, view.shift)}
            >
              {over.content}
            </div>
          </div>
        )}
      </div>
    </div>
  );
}

/** A grid that nobody else sees. */
const nobody: ReadonlyMap<string, Marks> = new Map();
const noMarks = () => nobody;
const never = () => () => undefined;

function cellAt(target: EventTarget): { cell: Cell; isNumber: boolean; isFill: boolean } | null {
  if (!(target instanceof HTMLElement)) return null;
  const row = target.closest<HTMLElement>("[data-row]")?.dataset.row;
  const column = target.closest<HTMLElement>("[data-column]")?.dataset.column;
  const isNumber = target.closest("[data-number]") !== null;
  if (row === undefined || (column === undefined && !isNumber)) return null;
  return {
    cell: { row: Number(row), column: Number(column ?? 0) },
    isNumber,
    isFill: target.closest("[data-fill]") !== null,
  };
}

function boxOf(top: number, bottom: number, left: number, right: number, edges: readonly number[], shift: number) {
  const [x, end] = [edges[left] ?? 0, edges[right + 1] ?? 0];
  return {
    transform: `translate(${x + numberWidth}px, ${top * rowHeight - shift}px)`,
    width: end - x,
    height: (bottom - top + 1) * rowHeight,
  };
}

function stateOf(store: GridStore, row: Row): "moved" | "gone" | undefined {
  return store.gone.has(row.id) ? "gone" : store.moved.has(row.id) ? "moved" : undefined;
}

function cellsOf(store: GridStore, row: Row, columns: readonly Column[]): ReadonlyMap<string, CellState> | null {
  if (store.cells.size === 0) return null;
  const states = new Map<string, CellState>();
  for (const { name } of columns) {
    const state = store.cells.get(cellKey(row.id, name));
    if (state !== undefined) states.set(name, state);
  }
  return states.size === 0 ? null : states;
}
