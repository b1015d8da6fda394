import { createRootRoute, createRoute } from "@tanstack/react-router";

/** The routes that rooms hang theirs on. `app/router.tsx` gives them their components. */
export const rootRoute = createRootRoute();

/** Pages outside the shell: sign-in, set-up, invitations. */
export const outsideRoute = createRoute({ getParentRoute: () => rootRoute, id: "outside" });

/** Everything inside one organization, in the shell. */
export const organizationRoute = createRoute({ getParentRoute: () => rootRoute, path: "/$org" });

/** Everything inside one app. */
export const appRoute = createRoute({ getParentRoute: () => organizationRoute, path: "/$app" });
