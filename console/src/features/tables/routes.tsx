import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { appRoute } from "@/routing/routes";

/**
 * `where` and `order` are GraphQL's; the page reads of them what the table has. `view` is a saved view, which the others
 * change; `group` the column of the groups, `in` the value of the one that is shown.
 */
export type TableSearch = {
  where?: unknown;
  order?: unknown;
  row?: string;
  view?: number;
  group?: string;
  in?: string | number | boolean | null;
};

/** `as` shows the tables as a diagram, `around` only those around one of them. */
type TablesSearch = { as?: "diagram"; around?: string };

const tablesRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "tables",
  validateSearch: ({ as, around }: Record<string, unknown>): TablesSearch => ({
    ...(as === "diagram" ? { as } : {}),
    ...(as === "diagram" && typeof around === "string" ? { around } : {}),
  }),
  component: lazyRouteComponent(() => import("./components/TablesPage"), "TablesPage"),
});

const tableRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "tables/$table",
  validateSearch: (search: Record<string, unknown>): TableSearch => ({
    ...(search.where === undefined ? {} : { where: search.where }),
    ...(search.order === undefined ? {} : { order: search.order }),
    ...(typeof search.row === "string" ? { row: search.row } : {}),
    ...(typeof search.view === "number" ? { view: search.view } : {}),
    ...(typeof search.group === "string" ? { group: search.group } : {}),
    ...(isScalar(search.in) ? { in: search.in } : {}),
  }),
  component: lazyRouteComponent(() => import("./components/TablePage"), "TablePage"),
});

function isScalar(value: unknown): value is string | number | boolean | null {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

export const tablesRoutes = { organization: [], app: [tablesRoute, tableRoute] } as const;
