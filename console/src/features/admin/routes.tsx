import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { outsideRoute } from "@/routing/routes";

const healthRoute = createRoute({
  getParentRoute: () => outsideRoute,
  path: "admin/health",
  component: lazyRouteComponent(() => import("./components/HealthPage"), "HealthPage"),
});

export const adminRoutes = { outside: [healthRoute] } as const;
