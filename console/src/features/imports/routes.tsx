import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { appRoute } from "@/routing/routes";
import { readShownRows } from "./model/shown-rows";

const importsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "tables/$table/imports",
  validateSearch: readShownRows,
  component: lazyRouteComponent(() => import("./components/ImportsPage"), "ImportsPage"),
});

const importRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "tables/$table/imports/$import",
  component: lazyRouteComponent(() => import("./components/ImportPage"), "ImportPage"),
});

export const importsRoutes = { organization: [], app: [importsRoute, importRoute] } as const;
