import { createRoute, createRouter, Outlet } from "@tanstack/react-router";
import { accountRoutes } from "@/features/accounts/routes";
import { adminRoutes } from "@/features/admin/routes";
import { appsRoutes } from "@/features/apps/routes";
import { codeRoutes } from "@/features/code/routes";
import { graphqlRoutes } from "@/features/graphql/routes";
import { importsRoutes } from "@/features/imports/routes";
import { inboxRoutes } from "@/features/inbox/routes";
import { permissionsRoutes } from "@/features/permissions/routes";
import { runsRoutes } from "@/features/runs/routes";
import { schemaRoutes } from "@/features/schema/routes";
import { settingsRoutes } from "@/features/settings/routes";
import { tablesRoutes } from "@/features/tables/routes";
import { appRoute, organizationRoute, outsideRoute, rootRoute } from "@/routing/routes";
import { CrashPage, NotHerePage, PendingPage } from "./pages";
import { StartPage } from "./StartPage";
import { Shell } from "./shell/Shell";

rootRoute.update({ component: Outlet, notFoundComponent: NotHerePage });
// Part of the first load with the home page: all of it is one file, which one request fetches.
organizationRoute.update({ component: Shell });

const startRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/",
  component: StartPage,
});

const routeTree = rootRoute.addChildren([
  startRoute,
  outsideRoute.addChildren([...accountRoutes.outside, ...adminRoutes.outside]),
  organizationRoute.addChildren([
    ...appsRoutes.organization,
    ...inboxRoutes.organization,
    ...runsRoutes.organization,
    ...settingsRoutes.organization,
    appRoute.addChildren([
      ...appsRoutes.app,
      ...tablesRoutes.app,
      ...importsRoutes.app,
      ...codeRoutes.app,
      ...graphqlRoutes.app,
      ...schemaRoutes.app,
      ...permissionsRoutes.app,
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
