import { createRoute, createRouter, lazyRouteComponent, Outlet } from "@tanstack/react-router";
import { accountRoutes } from "@/features/accounts/routes";
import { appsRoutes } from "@/features/apps/routes";
import { codeRoutes } from "@/features/code/routes";
import { importsRoutes } from "@/features/imports/routes";
import { runsRoutes } from "@/features/runs/routes";
import { settingsRoutes } from "@/features/settings/routes";
import { tablesRoutes } from "@/features/tables/routes";
import { appRoute, organizationRoute, outsideRoute, rootRoute } from "@/routing/routes";
import { CrashPage, NotHerePage, PendingPage } from "./pages";

rootRoute.update({ component: Outlet, notFoundComponent: NotHerePage });
organizationRoute.update({ component: lazyRouteComponent(() => import("./shell/Shell"), "Shell") });

const startRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/",
  component: lazyRouteComponent(() => import("./StartPage"), "StartPage"),
});

const routeTree = rootRoute.addChildren([
  startRoute,
  outsideRoute.addChildren([...accountRoutes.outside]),
  organizationRoute.addChildren([
    ...appsRoutes.organization,
    ...runsRoutes.organization,
    ...settingsRoutes.organization,
    appRoute.addChildren([
      ...appsRoutes.app,
      ...tablesRoutes.app,
      ...importsRoutes.app,
      ...codeRoutes.app,
      ...runsRoutes.app,
    ]),
  ]),
]);

export const router = createRouter({
  routeTree,
  defaultPreload: "intent",
  defaultErrorComponent: CrashPage,
  defaultPendingComponent: PendingPage,
  defaultNotFoundComponent: NotHerePage,
  scrollRestoration: false,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
