import { Anchor, Button, Group, Textarea, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, Navigate, useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { ApiError } from "@/api/errors";
import { meQuery } from "@/features/accounts";
import { Presence } from "@/features/presence";
import { type TableRead, tablesQuery } from "@/features/tables";
import { t } from "@/i18n";
import { AsCode } from "@/ui/AsCode";
import { DraftNotice } from "@/ui/DraftNotice";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows, Page } from "@/ui/Page";
import { useIsHere } from "@/ui/useIsHere";
import { editTable } from "../api";
import { isApplied } from "../model/applied";
import { differences } from "../model/differences";
import { countChanges, editOf } from "../model/staged";
import { useApplying } from "../model/use-applying";
import { useLiveTables } from "../model/use-live-tables";
import { useStaged } from "../model/use-staged";
import { DeleteTable } from "./DeleteTable";
import classes from "./Schema.module.css";
import { SchemaEditor } from "./SchemaEditor";
import { TableTabs } from "./TableTabs";

const route = getRouteApi("/$org/$app/tables/$table/schema");

/** The structure of one table: what it has, what is to be changed, and what that would do. */
export function SchemaPage() {
  const { app, table: name } = route.useParams();
  const api = useApi();
  const org = useOrganization();
  useLiveTables(app);
  const tables = useQuery(tablesQuery(api, app));
  const me = useQuery(meQuery(api));
  const read = tables.data?.tables.find((item) => item.name === name);
  const known = useRef<number | null>(null);
  useEffect(() => {
    if (read !== undefined) known.current = read.id;
  }, [read]);
  const renamed = read === undefined ? tables.data?.tables.find(({ id }) => id === known.current) : undefined;
  if (renamed !== undefined) {
    return <Navigate to="/$org/$app/tables/$table/schema" params={{ org, app, table: renamed.name }} replace />;
  }
  const canBuild = me.data !== undefined && me.data.role !== "member";
  return (
    <Page
      title={name}
      breadcrumb={
        <Anchor renderRoot={(props) => <Link to="/$org/$app/tables" params={{ org, app }} {...props} />}>
          {t("Tables")}
        </Anchor>
      }
      state={canBuild && read !== undefined && <Presence app={app} document={`schema/${name}`} />}
      help="/help/tables#the-schema-in-the-console"
      asCode={<AsCode reads={`/api/apps/${app}/table/${name}/`} />}
      tabs={<TableTabs org={org} app={app} table={name} />}
    >
      {(tables.isPending || me.isPending) && <LoadingRows count={8} />}
      {tables.error && <ErrorPanel error={tables.error} onRetry={() => tables.refetch()} />}
      {tables.data && read === undefined && (
        <EmptyState title={t("There is no table “{name}”", { name })}>
          {t("It may have been renamed or deleted. The list of tables shows what this app has.")}
        </EmptyState>
      )}
      {me.data && read !== undefined && !canBuild && (
        <EmptyState title={t("Builders and owners change tables")}>
          {t("Your role is member. Its rows are yours to work with.")}
        </EmptyState>
      )}
      {me.data && canBuild && read !== undefined && tables.data && (
        <Schema key={read.id} app={app} user={me.data.user.id} present={read} tables={tables.data.tables} />
      )}
    </Page>
  );
}

type Props = { app: string; user: number; present: TableRead; tables: readonly TableRead[] };

function Schema({ app, user, present, tables }: Props) {
  const api = useApi();
  const org = useOrganization();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const { staged, base, resumedAt, stage, rebase, discard } = useStaged(user, present);
  const [isDeleting, setDeleting] = useState(false);
  const count = countChanges(staged);
  const isStale = count > 0 && base.revision !== present.revision;
  const isHere = useIsHere();
  const send = () => editTable(api, app, base.name, { ...editOf(base, staged), base_revision: base.revision });
  const task = { name: base.name, place: app, href: `/${org}/${app}/tables/${base.name}/schema` };
  const { applying, apply, reset } = useApplying(send, task, {
    onSuccess: async (table: TableRead) => {
      discard();
      await cache.invalidateQueries({ queryKey: ["tables", app] });
      notifications.show({
        message: t("{count, plural, one {# change is} other {# changes are}} applied.", { count }),
      });
      if (table.name !== base.name && isHere.current) {
        await navigate({
          to: "/$org/$app/tables/$table/schema",
          params: { org, app, table: table.name },
          replace: true,
        });
      }
    },
    onError: (error) => {
      // Somebody was quicker: what the table is now says what they did.
      if (error instanceof ApiError && error.code === "stale_version") {
        void cache.invalidateQueries({ queryKey: ["tables", app] });
      }
      // Rows have changed since they were looked at.
      if (error instanceof ApiError && error.code === "table_change_refused") {
        void cache.invalidateQueries({ queryKey: ["schema-plan", app] });
      }
    },
  });
  // The answer was lost, or never came to this page.
  const isDone = isStale && !applying.isPending && isApplied(base, staged, present);
  useEffect(() => {
    if (!isDone) return;
    discard();
    notifications.show({ message: t("What you planned has been applied.") });
  }, [isDone, discard]);
  return (
    <>
      <DraftNotice resumedAt={count > 0 ? resumedAt : null} onDiscard={discard} />
      {isStale && !isDone && (
        <div className={classes.notice} role="alert">
          <div>
            <strong>{t("Somebody else changed this table since you began.")}</strong>{" "}
            {differences(base, present).join(" ")} {t("Your changes are kept.")}
          </div>
          <Button size="compact-sm" variant="default" onClick={rebase}>
            {t("Plan them on the table as it is now")}
          </Button>
        </div>
      )}
      <SchemaEditor
        app={app}
        base={base}
        tables={tables}
        staged={staged}
        onStage={(next) => {
          reset();
          stage(next);
        }}
        onApply={apply}
        onDiscard={() => {
          reset();
          discard();
        }}
        applying={isStale ? { ...applying, error: null } : applying}
        hindrance={isStale ? t("The plan is of the table as it was.") : null}
      >
        <Group gap="md" align="flex-start" grow>
          <TextInput
            label={t("Name of the table")}
            value={staged.name ?? base.name}
            maxLength={48}
            spellCheck={false}
            onChange={({ currentTarget: { value } }) => stage({ ...staged, name: value === base.name ? null : value })}
          />
          <Textarea
            label={t("Description")}
            autosize
            minRows={1}
            maxRows={4}
            maxLength={2000}
            value={staged.description ?? base.description}
            onChange={({ currentTarget: { value } }) =>
              stage({ ...staged, description: value === base.description ? null : value })
            }
          />
        </Group>
      </SchemaEditor>
      <Group mt="xl">
        <Button variant="default" color="red" onClick={() => setDeleting(true)}>
          {t("Delete this table")}
        </Button>
      </Group>
      {isDeleting && <DeleteTable app={app} table={present} onClose={() => setDeleting(false)} />}
    </>
  );
}
