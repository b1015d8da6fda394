import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { ownPath } from "@/routing/own-path";
import { outsideRoute } from "@/routing/routes";

export const signInRoute = createRoute({
  getParentRoute: () => outsideRoute,
  path: "sign-in",
  // The router keeps what is not validated, too: always a `next` of ours.
  validateSearch: (search: Record<string, unknown>) => ({
    next: ownPath(typeof search.next === "string" ? search.next : undefined),
  }),
  component: lazyRouteComponent(() => import("./components/SignInPage"), "SignInPage"),
});
export const accountRoutes = { outside: [signInRoute] } as const;
