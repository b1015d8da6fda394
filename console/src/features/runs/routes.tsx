import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { appRoute, organizationRoute } from "@/routing/routes";
import { readFilters } from "./model/filters";
import { type RunTab, runTabs } from "./model/tabs";

const organizationRunsRoute = createRoute({
  getParentRoute: () => organizationRoute,
  path: "runs",
  validateSearch: readFilters,
  component: lazyRouteComponent(() => import("./components/RunsPages"), "OrganizationRunsPage"),
});

const appRunsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "runs",
  validateSearch: readFilters,
  component: lazyRouteComponent(() => import("./components/RunsPages"), "AppRunsPage"),
});

const runRoute = createRoute({
  getParentRoute: () => organizationRoute,
  path: "runs/$run",
  validateSearch: (search: Record<string, unknown>): { tab?: RunTab } => {
    const tab = runTabs.find((known) => known === search.tab);
    return tab === undefined ? {} : { tab };
  },
  component: lazyRouteComponent(() => import("./components/RunPage"), "RunPage"),
});

export const runsRoutes = { organization: [organizationRunsRoute, runRoute], app: [appRunsRoute] } as const;
