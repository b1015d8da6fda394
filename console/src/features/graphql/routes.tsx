import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { appRoute } from "@/routing/routes";

const apiRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "api",
  component: lazyRouteComponent(() => import("./components/ApiPage"), "ApiPage"),
});

export const graphqlRoutes = { app: [apiRoute] } as const;
