import {
  fromOrderBy,
  fromWhere,
  type Layout,
  noLayout,
  readLayoutValue,
  type Table,
  toOrderBy,
  toWhere,
} from "@/features/grid";

/** What a view keeps: which rows, in which order, grouped by what, and how the columns stand. */
export type Arrangement = {
  readonly where: unknown;
  readonly order: unknown;
  readonly group: string | undefined;
  readonly layout: Layout;
};

export const noArrangement: Arrangement = { where: {}, order: [], group: undefined, layout: noLayout };

/** Reads the content of a view; what the table no longer has is left out where it is used. */
export function readArrangement(content: Readonly<Record<string, unknown>>): Arrangement {
  return {
    where: content.where ?? {},
    order: content.order ?? [],
    group: typeof content.group === "string" ? content.group : undefined,
    layout: readLayoutValue(content),
  };
}

/** Returns the content of a view as it is stored. */
export function contentOf({ where, order, group, layout }: Arrangement, table: Table): Record<string, unknown> {
  return {
    where: toWhere(fromWhere(where, table.columns), table.columns),
    order: toOrderBy(fromOrderBy(order, table.columns)).slice(0, -1),
    ...(group === undefined ? {} : { group }),
    columns: layout.order,
    hidden: layout.hidden,
    widths: layout.widths,
  };
}

/** Tells whether two arrangements show the same. */
export function isSameArrangement(one: Arrangement, other: Arrangement, table: Table): boolean {
  return JSON.stringify(contentOf(one, table)) === JSON.stringify(contentOf(other, table));
}
