import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { appRoute } from "@/routing/routes";

/** A word with a dash: a table may be named `new`. */
const newTableRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "tables/new-table",
  component: lazyRouteComponent(() => import("./components/NewTablePage"), "NewTablePage"),
});

const schemaRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "tables/$table/schema",
  component: lazyRouteComponent(() => import("./components/SchemaPage"), "SchemaPage"),
});

export const schemaRoutes = { organization: [], app: [newTableRoute, schemaRoute] } as const;
