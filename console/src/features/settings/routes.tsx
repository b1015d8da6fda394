import { createRoute, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { organizationRoute } from "@/routing/routes";

const settingsRoute = createRoute({
  getParentRoute: () => organizationRoute,
  path: "settings",
  beforeLoad: ({ params }) => {
    throw redirect({ to: "/$org/settings/members", params, replace: true });
  },
});

const searched = (search: Record<string, unknown>): { q?: string } =>
  typeof search.q === "string" && search.q !== "" ? { q: search.q } : {};

const membersRoute = createRoute({
  getParentRoute: () => organizationRoute,
  path: "settings/members",
  validateSearch: searched,
  component: lazyRouteComponent(() => import("./components/MembersPage"), "MembersPage"),
});

const tokensRoute = createRoute({
  getParentRoute: () => organizationRoute,
  path: "settings/tokens",
  validateSearch: searched,
  component: lazyRouteComponent(() => import("./components/TokensPage"), "TokensPage"),
});

const generalRoute = createRoute({
  getParentRoute: () => organizationRoute,
  path: "settings/general",
  component: lazyRouteComponent(() => import("./components/GeneralPage"), "GeneralPage"),
});

const usageRoute = createRoute({
  getParentRoute: () => organizationRoute,
  path: "settings/usage",
  component: lazyRouteComponent(() => import("./components/UsagePage"), "UsagePage"),
});

export const settingsRoutes = {
  organization: [settingsRoute, membersRoute, tokensRoute, usageRoute, generalRoute],
} as const;
