import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { ownPath } from "@/routing/own-path";
import { outsideRoute } from "@/routing/routes";

export const signInRoute = createRoute({
  getParentRoute: () => outsideRoute,
  path: "sign-in",
  validateSearch: (search: Record<string, unknown>): { next?: string } =>
    typeof search.next === "string" && ownPath(search.next) !== "/" ? { next: search.next } : {},
  component: lazyRouteComponent(() => import("./components/SignInPage"), "SignInPage"),
});
export const accountRoutes = { outside: [signInRoute] } as const;
