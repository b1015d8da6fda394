import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { appRoute } from "@/routing/routes";

/** A file by its path; without one, the file of the first action. */
const codeRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "code/$",
  validateSearch: (search: Record<string, unknown>): { line?: number } =>
    Number.isInteger(search.line) && Number(search.line) > 0 ? { line: Number(search.line) } : {},
  component: lazyRouteComponent(() => import("./components/CodePage"), "CodePage"),
});

/** Which schedule's form is open. */
export type OpenSchedule = number | "new";
export type ActionTab = "editor" | "triggers" | "history";

const actionRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "actions/$action",
  validateSearch: (search: Record<string, unknown>): { tab?: ActionTab; schedule?: OpenSchedule } => {
    if (search.tab !== "triggers") return search.tab === "history" ? { tab: search.tab } : {};
    const { tab, schedule } = search;
    if (schedule === "new") return { tab, schedule };
    return Number.isInteger(schedule) ? { tab, schedule: Number(schedule) } : { tab };
  },
  component: lazyRouteComponent(() => import("./components/ActionPage"), "ActionPage"),
});

export const codeRoutes = { organization: [], app: [codeRoute, actionRoute] } as const;
