import { useQuery } from "@tanstack/react-query";
import { Navigate } from "@tanstack/react-router";
import { useApi } from "@/api/context";
import { ApiError } from "@/api/errors";
import { meQuery } from "@/features/accounts";
import { t } from "@/i18n";
import { organizationReference } from "@/routing/references";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { OutsideCard } from "@/ui/OutsideCard";
import { PendingPage } from "./pages";

/** Leads from `/` to the organization of who is signed in, else to the sign-in. */
export function StartPage() {
  const me = useQuery({ ...meQuery(useApi()), retry: false });
  if (me.data) return <Navigate to="/$org" params={{ org: organizationReference(me.data.organization) }} replace />;
  if (me.error instanceof ApiError && me.error.status === 401) return <Navigate to="/sign-in" replace />;
  if (me.error) {
    return (
      <OutsideCard title={t("automio")} wide>
        <ErrorPanel error={me.error} onRetry={() => me.refetch()} />
      </OutsideCard>
    );
  }
  return <PendingPage />;
}
