import { type Column, isNumeric } from "./columns";

/** How somebody arranged the columns of a table. Columns that it does not name come last. */
export type Layout = {
  readonly order: readonly string[];
  readonly hidden: readonly string[];
  readonly widths: Readonly<Record<string, number>>;
};

export const noLayout: Layout = { order: [], hidden: ["organization_id", "connection_id"], widths: {} };

/** Returns all columns as they are arranged, own ones before those of the platform. */
export function arranged(columns: readonly Column[], layout: Layout): Column[] {
  const place = ({ name, isEditable }: Column) => {
    const index = layout.order.indexOf(name);
    return index === -1 ? layout.order.length + (isEditable ? 0 : 1) : index;
  };
  return columns.toSorted((one, other) => place(one) - place(other));
}

/** Returns a column's width in pixels. */
export function widthOf(column: Column, layout: Layout): number {
  const own = layout.widths[column.name];
  if (own !== undefined) return own;
  const usual: Record<string, number> = {
    boolean: 100,
    date: 120,
    timestamptz: 180,
    json: 240,
    choice: 120,
    uuid: 180,
  };
  return Math.max(usual[column.type] ?? (isNumeric(column) ? 110 : 180), Math.min(240, 48 + column.name.length * 8));
}

/** Reads what was remembered in the browser; anything else is no layout. */
export function readLayout(text: string | null): Layout {
  try {
    const layout: unknown = JSON.parse(text ?? "null");
    return isRecord(layout) && isRecord(layout.widths)
      ? readLayoutValue({ ...layout, columns: layout.order })
      : noLayout;
  } catch {
    return noLayout;
  }
}

/** Reads the layout of a stored view: its `columns` in their order, those that are `hidden`, their `widths`. */
export function readLayoutValue(content: Readonly<Record<string, unknown>>): Layout {
  const widths = isRecord(content.widths) ? content.widths : {};
  return {
    order: texts(content.columns),
    hidden: content.hidden === undefined ? noLayout.hidden : texts(content.hidden),
    widths: Object.fromEntries(
      Object.entries(widths).flatMap(([name, width]) =>
        typeof width === "number" && width >= 60 && width <= 800 ? [[name, width] as const] : [],
      ),
    ),
  };
}

function texts(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((item) => typeof item === "string") : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
