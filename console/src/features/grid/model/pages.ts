import type { Row, Table } from "./columns";
import { type Order, toOrderBy, type Where } from "./filter";
import { after, fullOrder } from "./keyset";
import { blockSize, type Plan } from "./window";

/** What is asked for at once: a part of the rows that match, in an order. */
export type Page = {
  readonly where: Where;
  readonly orderBy: readonly { readonly [column: string]: string }[];
  readonly limit: number;
  readonly offset: number;
};

/** Which rows of a table are shown. */
export type View = { readonly table: Table; readonly where: Where; readonly order: Order };

export function pageAt({ where, order }: View, offset: number, limit = blockSize): Page {
  return { where, orderBy: toOrderBy(order), limit, offset };
}

/** Returns the page of a planned block, and whether its rows come in the opposite order. */
export function pageOf(view: View, plan: Plan): { page: Page; isBackwards: boolean } {
  if (plan.kind === "offset") return { page: pageAt(view, plan.offset), isBackwards: false };
  if (plan.kind === "after") {
    return { page: { ...pageAt(view, 0), where: beside(view, plan.row, false) }, isBackwards: false };
  }
  const orderBy = fullOrder(view.order, true).map(({ column, isDescending }) => ({
    [column]: isDescending ? "desc" : "asc",
  }));
  const page =
    plan.kind === "before"
      ? { ...pageAt(view, 0), where: beside(view, plan.row, true) }
      : pageAt(view, plan.skip, plan.limit);
  return { page: { ...page, orderBy }, isBackwards: true };
}

/** Returns the `where` of the rows that come after a row, or before it. */
function beside({ table, where, order }: View, row: Row, isBackwards: boolean): Where {
  const notNull = new Set(table.columns.filter((column) => column.isRequired).map(({ name }) => name));
  return { _and: [where, after(row, fullOrder(order, isBackwards), notNull.add("id"))] };
}

/** Returns the page that begins with a row. */
export function pageFrom(view: View, first: Row): Page {
  return {
    ...pageAt(view, 0),
    where: { _and: [view.where, { _or: [{ id: { _eq: first.id } }, beside(view, first, false)] }] },
  };
}
