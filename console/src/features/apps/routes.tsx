import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { appRoute, organizationRoute } from "@/routing/routes";
import { HomePage } from "./components/HomePage";

const homeRoute = createRoute({
  getParentRoute: () => organizationRoute,
  path: "/",
  // Not lazy: it is what the first load is for.
  component: HomePage,
});

const newAppRoute = createRoute({
  getParentRoute: () => organizationRoute,
  path: "apps/new",
  validateSearch: ({ from }: Record<string, unknown>): { from?: "file" } => (from === "file" ? { from } : {}),
  component: lazyRouteComponent(() => import("./components/NewAppPage"), "NewAppPage"),
});

const overviewRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/",
  component: lazyRouteComponent(() => import("./components/OverviewPage"), "OverviewPage"),
});

export const appsRoutes = { organization: [homeRoute, newAppRoute], app: [overviewRoute] } as const;
