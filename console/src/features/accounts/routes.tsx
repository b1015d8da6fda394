import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { ownPath } from "@/routing/own-path";
import { outsideRoute } from "@/routing/routes";

const signInRoute = createRoute({
  getParentRoute: () => outsideRoute,
  path: "sign-in",
  validateSearch: (search: Record<string, unknown>): { next?: string } =>
    typeof search.next === "string" && ownPath(search.next) !== "/" ? { next: search.next } : {},
  component: lazyRouteComponent(() => import("./components/SignInPage"), "SignInPage"),
});

const setUpRoute = createRoute({
  getParentRoute: () => outsideRoute,
  path: "set-up",
  validateSearch: (search: Record<string, unknown>) => ({ code: typeof search.code === "string" ? search.code : "" }),
  component: lazyRouteComponent(() => import("./components/SetUpPage"), "SetUpPage"),
});

const forgotPasswordRoute = createRoute({
  getParentRoute: () => outsideRoute,
  path: "forgot-password",
  component: lazyRouteComponent(() => import("./components/ForgotPasswordPage"), "ForgotPasswordPage"),
});

const resetPasswordRoute = createRoute({
  getParentRoute: () => outsideRoute,
  path: "reset-password",
  validateSearch: (search: Record<string, unknown>) => ({
    token: typeof search.token === "string" ? search.token : "",
  }),
  component: lazyRouteComponent(() => import("./components/ResetPasswordPage"), "ResetPasswordPage"),
});

const inviteRoute = createRoute({
  getParentRoute: () => outsideRoute,
  path: "invite/$token",
  component: lazyRouteComponent(() => import("./components/InvitePage"), "InvitePage"),
});

const accountRoute = createRoute({
  getParentRoute: () => outsideRoute,
  path: "account",
  component: lazyRouteComponent(() => import("./components/AccountPage"), "AccountPage"),
});

export const accountRoutes = {
  outside: [signInRoute, setUpRoute, forgotPasswordRoute, resetPasswordRoute, inviteRoute, accountRoute],
} as const;
