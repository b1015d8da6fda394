import { Anchor } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useApi, useOrganization } from "@/api/context";
import { ApiError } from "@/api/errors";
import { meQuery } from "@/features/accounts";
import { TableTabs, useLiveTables } from "@/features/schema";
import { tableQuery } from "@/features/tables";
import { t } from "@/i18n";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows, Page } from "@/ui/Page";
import { permissionQuery } from "../api";
import { PermissionEditor } from "./PermissionEditor";

const route = getRouteApi("/$org/$app/tables/$table/permissions");

/** What each role may do with the rows of one table. */
export function PermissionsPage() {
  const { app, table: name } = route.useParams();
  const api = useApi();
  const org = useOrganization();
  useLiveTables(app);
  const me = useQuery(meQuery(api)).data;
  const canBuild = me !== undefined && me.role !== "member";
  const table = useQuery(tableQuery(api, app, name));
  const stored = useQuery({ ...permissionQuery(api, app, name), enabled: canBuild });
  const error = table.error ?? stored.error;
  const isMissing = error instanceof ApiError && error.status === 404;
  return (
    <Page
      title={t("Permissions of {table}", { table: name })}
      breadcrumb={
        <Anchor renderRoot={(props) => <Link to="/$org/$app/tables" params={{ org, app }} {...props} />}>
          {t("Tables")}
        </Anchor>
      }
      help="/help/permissions"
      asCode={null}
      tabs={<TableTabs org={org} app={app} table={name} />}
    >
      {me !== undefined && !canBuild && (
        <EmptyState title={t("Builders and owners set permissions")}>
          {t("Your role is member. The rows that you may see are under Rows.")}
        </EmptyState>
      )}
      {(me === undefined || (canBuild && (table.isPending || stored.isPending))) && <LoadingRows count={8} />}
      {canBuild && error !== null && !isMissing && (
        <ErrorPanel
          error={error}
          onRetry={() => {
            void table.refetch();
            void stored.refetch();
          }}
        />
      )}
      {canBuild && isMissing && (
        <EmptyState title={t("There is no table “{name}”", { name })}>
          {t("It may have been renamed or deleted. The list of tables shows what this app has.")}
        </EmptyState>
      )}
      {canBuild && table.data !== undefined && stored.data !== undefined && (
        <PermissionEditor
          key={table.data.table.id}
          app={app}
          user={me.user.id}
          table={table.data.table}
          stored={stored.data}
        />
      )}
    </Page>
  );
}
