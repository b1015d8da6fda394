import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { organizationRoute } from "@/routing/routes";

const inboxRoute = createRoute({
  getParentRoute: () => organizationRoute,
  path: "inbox",
  validateSearch: (search: Record<string, unknown>): { show?: "all" } => (search.show === "all" ? { show: "all" } : {}),
  component: lazyRouteComponent(() => import("./components/InboxPage"), "InboxPage"),
});

export const inboxRoutes = { organization: [inboxRoute] } as const;
