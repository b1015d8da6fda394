import { Anchor, Button } from "@mantine/core";
import IconBolt from "@tabler/icons-react/icons/IconBolt";
import IconBoltOff from "@tabler/icons-react/icons/IconBoltOff";
import IconPlus from "@tabler/icons-react/icons/IconPlus";
import IconRefresh from "@tabler/icons-react/icons/IconRefresh";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useApi, useOrganization } from "@/api/context";
import {
  arranged,
  type Column,
  ColumnsMenu,
  Editing,
  type Filter,
  FilterBar,
  fromOrderBy,
  fromWhere,
  Grid,
  GridStore,
  type Layout,
  noFilter,
  type Order,
  RowsApi,
  readLayout,
  type Table,
  toWhere,
  type Value,
  widthOf,
} from "@/features/grid";
import { t } from "@/i18n";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows, Page } from "@/ui/Page";
import { tableOf, tablesQuery } from "../api";
import { RowPanel } from "./RowPanel";
import classes from "./TablePage.module.css";

const route = getRouteApi("/$org/$app/tables/$table");
/** Oldest first, so that what is added comes last. */
const usualOrder: Order = [{ column: "created_at", isDescending: false }];

/** The rows of one table. */
export function TablePage() {
  const { app, table: name } = route.useParams();
  const tables = useQuery(tablesQuery(useApi(), app));
  const table = useMemo(() => {
    const read = tables.data?.tables.find((item) => item.name === name);
    return read === undefined ? undefined : tableOf(read, tables.data?.tables ?? []);
  }, [tables.data, name]);
  if (table !== undefined) return <Rows key={`${app} ${name}`} app={app} table={table} />;
  return (
    <Page title={name}>
      {tables.isPending && <LoadingRows count={12} />}
      {tables.error && <ErrorPanel error={tables.error} onRetry={() => tables.refetch()} />}
      {tables.data && (
        <EmptyState title={t("There is no table “{name}”", { name })}>
          {t("It may have been renamed or deleted. The list of tables shows what this app has.")}
        </EmptyState>
      )}
    </Page>
  );
}

function Rows({ app, table }: { app: string; table: Table }) {
  const api = useApi();
  const org = useOrganization();
  const search = route.useSearch();
  const navigate = useNavigate();
  const store = useMemo(() => new GridStore(new RowsApi(api, app, table)), [api, app, table]);
  const editing = useMemo(() => new Editing(store), [store]);
  const [layout, setLayout] = useLayout(`automio.columns.${org}.${app}.${table.name}`);
  const [isNew, setNew] = useState(false);
  const searchField = useRef<HTMLInputElement>(null);
  const filter = useMemo(() => fromWhere(search.where, table.columns), [search.where, table]);
  const order = useMemo(() => fromOrderBy(search.order, table.columns), [search.order, table]);
  const all = useMemo(() => arranged(table.columns, layout), [table, layout]);
  const columns = useMemo(() => all.filter(({ name }) => !layout.hidden.includes(name)), [all, layout]);
  const widths = useMemo(() => columns.map((column) => widthOf(column, layout)), [columns, layout]);

  useEffect(() => store.open(), [store]);
  useEffect(() => {
    store.query(toWhere(filter, table.columns), order.length === 0 ? usualOrder : order);
  }, [store, filter, order, table]);

  const go = (change: Record<string, unknown>, replace = false) =>
    void navigate({
      to: "/$org/$app/tables/$table",
      params: { org, app, table: table.name },
      search: { ...search, ...change },
      replace,
    });
  const setFilter = (next: Filter) => {
    const where = toWhere(next, table.columns);
    go({ where: Object.keys(where).length === 0 ? undefined : where }, true);
  };
  const sort = (column: string, isAdded: boolean) => {
    if (table.columns.find(({ name }) => name === column)?.type === "json") return;
    const present = order.find((item) => item.column === column);
    const others = isAdded ? order.filter((item) => item.column !== column) : [];
    const next = present?.isDescending ? others : [...others, { column, isDescending: present !== undefined }];
    const written = next.map((item) => ({ [item.column]: item.isDescending ? "desc" : "asc" }));
    go({ order: written.length === 0 ? undefined : written }, true);
  };
  const filterBy = (column: Column, value: Value) =>
    setFilter({
      ...filter,
      conditions: [...filter.conditions, { column: column.name, operator: value === null ? "empty" : "is", value }],
    });
  const openRow = (row: string | undefined) => {
    setNew(false);
    go({ row });
  };
  return (
    <Page
      title={table.name}
      breadcrumb={
        <Anchor renderRoot={(props) => <Link to="/$org/$app/tables" params={{ org, app }} {...props} />}>
          {t("Tables")}
        </Anchor>
      }
      state={<Live store={store} />}
      actions={
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setNew(true)}>
          {t("New row")}
        </Button>
      }
      toolbar={
        <>
          <FilterBar columns={all} filter={filter} onFilter={setFilter} search={searchField} />
          <ColumnsMenu columns={all} layout={layout} order={order} onLayout={setLayout} onSort={sort} />
          <Button variant="default" leftSection={<IconRefresh size={16} aria-hidden />} onClick={store.reload}>
            {t("Refresh")}
          </Button>
          <NewRows store={store} />
        </>
      }
    >
      <div className={classes.frame}>
        <div className={classes.place}>
          <Grid
            label={t("Rows of {table}", { table: table.name })}
            store={store}
            editing={editing}
            columns={columns}
            widths={widths}
            order={order}
            isFiltered={filter.conditions.length > 0 || filter.search !== ""}
            onSort={sort}
            onResize={(column, width) => setLayout({ ...layout, widths: { ...layout.widths, [column]: width } })}
            onOpenRow={openRow}
            onNewRow={() => setNew(true)}
            onFilterBy={filterBy}
            onClearFilter={() => setFilter(noFilter)}
            onFind={() => searchField.current?.focus()}
          />
          {(isNew || search.row !== undefined) && (
            <RowPanel
              key={isNew ? "new" : search.row}
              app={app}
              store={store}
              editing={editing}
              id={isNew ? null : (search.row ?? null)}
              onClose={() => (isNew ? setNew(false) : openRow(undefined))}
            />
          )}
        </div>
      </div>
    </Page>
  );
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

/** Remembers the arrangement of columns in this browser. */
function useLayout(key: string): [Layout, (layout: Layout) => void] {
  const [layout, setLayout] = useState(() => readLayout(window.localStorage.getItem(key)));
  const remember = (next: Layout) => {
    setLayout(next);
    window.localStorage.setItem(key, JSON.stringify(next));
  };
  return [layout, remember];
}
