import { getRouteApi } from "@tanstack/react-router";
import { useMemo } from "react";
import { t } from "@/i18n";
import { type RunFilters, readFilters } from "../model/filters";
import { RunsScreen } from "./RunsScreen";

const organizationRoute = getRouteApi("/$org/runs");
const appRoute = getRouteApi("/$org/$app/runs");

/** Runs of every app of the organization. */
export function OrganizationRunsPage() {
  const filters = useSettled(organizationRoute.useSearch());
  const navigate = organizationRoute.useNavigate();
  return (
    <RunsScreen
      title={t("Runs")}
      app={null}
      filters={filters}
      onFilter={(search) => navigate({ search, replace: true })}
    />
  );
}

/** Runs of one app. */
export function AppRunsPage() {
  const { app } = appRoute.useParams();
  const filters = useSettled(appRoute.useSearch());
  const navigate = appRoute.useNavigate();
  return (
    <RunsScreen
      title={t("Runs")}
      app={app}
      filters={filters}
      onFilter={(search) => navigate({ search, replace: true })}
    />
  );
}

/** Keeps the same object as long as the filters say the same. */
function useSettled(search: RunFilters): RunFilters {
  const text = JSON.stringify(readFilters({ ...search }));
  return useMemo(() => readFilters(JSON.parse(text)), [text]);
}
