import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { appRoute } from "@/routing/routes";

const permissionsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "tables/$table/permissions",
  component: lazyRouteComponent(() => import("./components/PermissionsPage"), "PermissionsPage"),
});

export const permissionsRoutes = { organization: [], app: [permissionsRoute] } as const;
