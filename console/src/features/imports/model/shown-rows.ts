/** What a grid shows of a table: its filter, its order and its columns, as exports take them. Nothing of it: all. */
export type ShownRows = {
  where?: Record<string, unknown>;
  order?: { [column: string]: "asc" | "desc" }[];
  columns?: string[];
};

/** Reads what an address says of a grid; what is no such thing is left out. */
export function readShownRows({ where, order, columns }: Record<string, unknown>): ShownRows {
  const orders = Array.isArray(order) ? order.flatMap(readOrder) : [];
  const names = Array.isArray(columns) ? columns.filter((name) => typeof name === "string") : [];
  return {
    ...(isRecord(where) && Object.keys(where).length > 0 ? { where } : {}),
    ...(orders.length > 0 ? { order: orders } : {}),
    ...(names.length > 0 ? { columns: names } : {}),
  };
}

function readOrder(item: unknown): { [column: string]: "asc" | "desc" }[] {
  const [pair] = isRecord(item) ? Object.entries(item) : [];
  return pair === undefined ? [] : [{ [pair[0]]: pair[1] === "desc" ? "desc" : "asc" }];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
