import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { appRoute } from "@/routing/routes";

/** `where` and `order` are GraphQL's; the page reads of them what the table has. */
export type TableSearch = { where?: unknown; order?: unknown; row?: string };

const tablesRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "tables",
  component: lazyRouteComponent(() => import("./components/TablesPage"), "TablesPage"),
});

const tableRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "tables/$table",
  validateSearch: ({ where, order, row }: Record<string, unknown>): TableSearch => ({
    ...(where === undefined ? {} : { where }),
    ...(order === undefined ? {} : { order }),
    ...(typeof row === "string" ? { row } : {}),
  }),
  component: lazyRouteComponent(() => import("./components/TablePage"), "TablePage"),
});

export const tablesRoutes = { organization: [], app: [tablesRoute, tableRoute] } as const;
