import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useApi } from "@/api/context";
import { meQuery } from "@/features/accounts";
import { ViewAsMember } from "@/features/viewing";
import { t } from "@/i18n";
import classes from "./Schema.module.css";

/** The pages of one table. */
export function TableTabs({ org, app, table }: { org: string; app: string; table: string }) {
  const params = { org, app, table };
  const me = useQuery(meQuery(useApi())).data;
  const canBuild = me !== undefined && me.role !== "member";
  return (
    <nav aria-label={t("Table")} className={classes.tabs}>
      <Link to="/$org/$app/tables/$table" params={params} className={classes.tab} activeOptions={{ exact: true }}>
        {t("Rows")}
      </Link>
      <Link to="/$org/$app/tables/$table/schema" params={params} className={classes.tab}>
        {t("Schema")}
      </Link>
      {canBuild && (
        <Link to="/$org/$app/tables/$table/permissions" params={params} className={classes.tab}>
          {t("Permissions")}
        </Link>
      )}
      <ViewAsMember rows={`/${org}/${app}/tables/${table}`} />
    </nav>
  );
}
