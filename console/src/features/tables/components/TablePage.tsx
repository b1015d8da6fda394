import { ActionIcon, Anchor, Button } from "@mantine/core";
import IconBolt from "@tabler/icons-react/icons/IconBolt";
import IconBoltOff from "@tabler/icons-react/icons/IconBoltOff";
import IconPlus from "@tabler/icons-react/icons/IconPlus";
import IconRefresh from "@tabler/icons-react/icons/IconRefresh";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Suspense, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useApi, useOrganization } from "@/api/context";
import { ApiError } from "@/api/errors";
import { useCommands } from "@/commands/registry";
import { RunWithRows } from "@/features/code";
import {
  arranged,
  type Column,
  ColumnsMenu,
  canAdd,
  Editing,
  type Filter,
  FilterBar,
  Grid,
  GridStore,
  type Order,
  RowsApi,
  type Table,
  toWhere,
  type Value,
  widthOf,
} from "@/features/grid";
import { ImportsLink, readShownRows } from "@/features/imports";
import { CellPresence, Presence } from "@/features/presence";
import { TableTabs, useLiveTables } from "@/features/schema";
import { t } from "@/i18n";
import { AsCode } from "@/ui/AsCode";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows, Page } from "@/ui/Page";
import { tableOf, tableQuery } from "../api";
import { rowSnippets } from "../model/snippets";
import { ForAll } from "./ForAll";
import { GroupChoice, GroupPane } from "./GroupPane";
import { LimitsNote, NotReadable } from "./Limits";
import { RowPanel } from "./RowPanel";
import { RowPeek } from "./RowPeek";
import classes from "./TablePage.module.css";
import { useArrangement } from "./useArrangement";
import { ViewsMenu } from "./ViewsMenu";

const route = getRouteApi("/$org/$app/tables/$table");
/** Oldest first, so that what is added comes last. */
const usualOrder: Order = [{ column: "created_at", isDescending: false }];

/** The rows of one table. */
export function TablePage() {
  const { app, table: name } = route.useParams();
  const read = useQuery(tableQuery(useApi(), app, name));
  const table = useMemo(
    () => (read.data === undefined ? undefined : tableOf(read.data.table, read.data.targets)),
    [read.data],
  );
  useLiveTables(app);
  if (table?.limits?.canRead === false) return <NotReadable app={app} table={table} />;
  if (table !== undefined) return <Rows key={`${app} ${name}`} app={app} table={table} />;
  const isMissing = read.error instanceof ApiError && read.error.status === 404;
  return (
    <Page help="/help/tables" asCode={null} title={name}>
      {read.isPending && <LoadingRows count={12} />}
      {read.error && !isMissing && <ErrorPanel error={read.error} onRetry={() => read.refetch()} />}
      {isMissing && (
        <EmptyState title={t("There is no table “{name}”", { name })}>
          {t("It may have been renamed or deleted. The list of tables shows what this app has.")}
        </EmptyState>
      )}
    </Page>
  );
}

/** Returns an order as GraphQL writes it. */
function written(order: Order): { [column: string]: string }[] {
  return order.map(({ column, isDescending }) => ({ [column]: isDescending ? "desc" : "asc" }));
}

function Rows({ app, table }: { app: string; table: Table }) {
  const api = useApi();
  const org = useOrganization();
  const store = useMemo(() => new GridStore(new RowsApi(api, app, table)), [api, app, table]);
  const editing = useMemo(() => new Editing(store), [store]);
  const presence = useMemo(() => new CellPresence(), []);
  const arrangement = useArrangement(app, table);
  const { search, go, filter, order, narrowed, layout, setLayout, group, isPending } = arrangement;
  const [isNew, setNew] = useState(false);
  const [run, setRun] = useState<readonly string[] | null>(null);
  const searchField = useRef<HTMLInputElement>(null);
  const hidden = useSyncExternalStore(store.subscribe, () => store.rows.hidden);
  const readable = useMemo(() => table.columns.filter(({ name }) => !hidden.has(name)), [table, hidden]);
  const all = useMemo(() => arranged(readable, layout), [readable, layout]);
  const columns = useMemo(() => all.filter(({ name }) => !layout.hidden.includes(name)), [all, layout]);
  const widths = useMemo(() => columns.map((column) => widthOf(column, layout)), [columns, layout]);

  useEffect(() => store.open(), [store]);
  useEffect(() => {
    if (!isPending) store.query(narrowed, order.length === 0 ? usualOrder : order);
  }, [store, narrowed, order, isPending]);
  useKeptOpen(store);

  // An empty filter stands in the address only where the view has one.
  const setFilter = (next: Filter) => {
    const where = toWhere(next, table.columns);
    go({ where: Object.keys(where).length === 0 && search.view === undefined ? undefined : where }, true);
  };
  const sort = (column: string, isAdded: boolean) => {
    if (table.columns.find(({ name }) => name === column)?.type === "json") return;
    const present = order.find((item) => item.column === column);
    const others = isAdded ? order.filter((item) => item.column !== column) : [];
    const next = present?.isDescending ? others : [...others, { column, isDescending: present !== undefined }];
    go({ order: next.length === 0 && search.view === undefined ? undefined : written(next) }, true);
  };
  const filterBy = (column: Column, value: Value) =>
    setFilter({
      ...filter,
      conditions: [...filter.conditions, { column: column.name, operator: value === null ? "empty" : "is", value }],
    });
  useCommands(
    useMemo(
      () => [{ id: "tables.new-row", title: t("New row"), group: t("Table"), keys: "n", run: () => setNew(true) }],
      [],
    ),
  );
  const openRow = (row: string | undefined) => {
    setNew(false);
    go({ row });
  };
  return (
    <Page
      help="/help/tables"
      asCode={
        <AsCode
          title={t("Read these rows with a program")}
          snippets={() =>
            rowSnippets({
              app,
              table,
              columns: ["id", ...columns.filter(({ name }) => name !== "id").map(({ name }) => name)],
              where: narrowed,
              order,
            })
          }
        />
      }
      title={table.name}
      breadcrumb={
        <Anchor renderRoot={(props) => <Link to="/$org/$app/tables" params={{ org, app }} {...props} />}>
          {t("Tables")}
        </Anchor>
      }
      state={
        <>
          <Live store={store} />
          <Presence app={app} document={`table/${table.name}`} cells={presence} />
        </>
      }
      tabs={<TableTabs org={org} app={app} table={table.name} />}
      actions={
        <>
          <ImportsLink
            app={app}
            table={table.name}
            canImport={canAdd(table)}
            shown={readShownRows({
              where: narrowed,
              order: written(order.length === 0 ? usualOrder : order),
              columns: columns.map(({ name }) => name),
            })}
          />
          {canAdd(table) && (
            <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setNew(true)}>
              {t("New row")}
            </Button>
          )}
        </>
      }
      toolbar={
        <>
          <ViewsMenu
            app={app}
            table={table.name}
            view={arrangement.view}
            isChanged={arrangement.isChanged}
            content={arrangement.content}
            onOpen={arrangement.openView}
          />
          <FilterBar columns={all} filter={filter} onFilter={setFilter} search={searchField} />
          <GroupChoice
            columns={all}
            group={group?.name}
            onGroup={(name) => go({ group: name ?? (search.view === undefined ? undefined : ""), in: undefined }, true)}
          />
          <ColumnsMenu columns={all} layout={layout} order={order} onLayout={setLayout} onSort={sort} />
          <ActionIcon variant="default" size="input-sm" aria-label={t("Refresh")} onClick={store.reload}>
            <IconRefresh size={16} aria-hidden />
          </ActionIcon>
          <NewRows store={store} />
          <LimitsNote app={app} table={table} />
        </>
      }
    >
      <div className={classes.frame}>
        <div className={classes.place} data-grouped={group !== undefined}>
          {group !== undefined && (
            <GroupPane
              store={store}
              column={group}
              where={arrangement.where}
              chosen={arrangement.chosen}
              onChoose={(value) =>
                go({ in: value === undefined || typeof value !== "object" || value === null ? value : undefined }, true)
              }
            />
          )}
          <Grid
            label={t("Rows of {table}", { table: table.name })}
            store={store}
            editing={editing}
            presence={presence}
            columns={columns}
            widths={widths}
            order={order}
            isFiltered={filter.conditions.length > 0 || filter.search !== "" || arrangement.chosen !== undefined}
            onSort={sort}
            onResize={(column, width) => setLayout({ ...layout, widths: { ...layout.widths, [column]: width } })}
            onOpenRow={openRow}
            onNewRow={() => setNew(true)}
            onFilterBy={filterBy}
            onClearFilter={() => go({ where: search.view === undefined ? undefined : {}, in: undefined }, true)}
            onFind={() => searchField.current?.focus()}
            onRun={(rows) => setRun(rows.map(({ id }) => id))}
            peek={(reference, id) => <RowPeek app={app} table={reference.table} id={id} />}
            forAll={<ForAll store={store} editing={editing} columns={table.columns} />}
          />
          {run !== null && (
            <Suspense>
              <RunWithRows app={app} table={table.name} rows={run} onClose={() => setRun(null)} />
            </Suspense>
          )}
          {(isNew || search.row !== undefined) && (
            <RowPanel
              key={isNew ? "new" : search.row}
              app={app}
              store={store}
              editing={editing}
              presence={presence}
              id={isNew ? null : (search.row ?? null)}
              onClose={() => (isNew ? setNew(false) : openRow(undefined))}
            />
          )}
        </div>
      </div>
    </Page>
  );
}

/** Asks before the tab is closed while something waits for the server: it is nowhere else yet. */
function useKeptOpen(store: GridStore): void {
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => {
      if (store.isWaiting) event.preventDefault();
    };
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [store]);
}

function Live({ store }: { store: GridStore }) {
  useSyncExternalStore(store.subscribe, store.getVersion);
  const Icon = store.live === "broken" ? IconBoltOff : IconBolt;
  const words = { live: t("Live"), connecting: t("Connecting"), broken: t("Not live, trying again") };
  return (
    <span className={classes.live} data-state={store.live} role="status">
      <Icon size={14} aria-hidden /> {words[store.live]}
    </span>
  );
}

function NewRows({ store }: { store: GridStore }) {
  useSyncExternalStore(store.subscribe, store.getVersion);
  if (!store.hasNew) return null;
  return (
    <Button variant="light" onClick={store.reload}>
      {t("New rows: show")}
    </Button>
  );
}
