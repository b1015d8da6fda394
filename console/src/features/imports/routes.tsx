import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { appRoute } from "@/routing/routes";

const importsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "tables/$table/imports",
  // The filter of the grid, for exports.
  validateSearch: ({ where }: Record<string, unknown>): { where?: unknown } => (where === undefined ? {} : { where }),
  component: lazyRouteComponent(() => import("./components/ImportsPage"), "ImportsPage"),
});

const importRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "tables/$table/imports/$import",
  component: lazyRouteComponent(() => import("./components/ImportPage"), "ImportPage"),
});

export const importsRoutes = { organization: [], app: [importsRoute, importRoute] } as const;
