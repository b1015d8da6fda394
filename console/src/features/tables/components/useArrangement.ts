import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import {
  fromOrderBy,
  fromWhere,
  type Layout,
  readLayout,
  type Table,
  toWhere,
  type Value,
  type Where,
} from "@/features/grid";
import { viewsQuery } from "../api";
import { type Arrangement, contentOf, isSameArrangement, noArrangement, readArrangement } from "../model/arrangement";
import type { TableSearch } from "../routes";

const route = getRouteApi("/$org/$app/tables/$table");

/** How the rows of a table are shown: what the address says, over the view that is open, over the usual. */
export function useArrangement(app: string, table: Table) {
  const org = useOrganization();
  const search = route.useSearch();
  const navigate = useNavigate();
  const views = useQuery(viewsQuery(useApi(), app, table.name));
  const view = views.data?.find(({ id }) => id === search.view);
  const saved = useMemo(() => (view === undefined ? noArrangement : readArrangement(view.content)), [view]);
  const [layout, setLayout] = useLayout(
    `automio.columns.${org}.${app}.${table.name}${search.view === undefined ? "" : `.${search.view}`}`,
    saved.layout,
  );
  const shown = useMemo<Arrangement>(
    () => ({
      where: search.where ?? saved.where,
      order: search.order ?? saved.order,
      group: search.group === undefined ? saved.group : search.group || undefined,
      layout,
    }),
    [search.where, search.order, search.group, saved, layout],
  );
  const { columns } = table;
  const filter = useMemo(() => fromWhere(shown.where, columns), [shown.where, columns]);
  const order = useMemo(() => fromOrderBy(shown.order, columns), [shown.order, columns]);
  const group = columns.find(({ name, type }) => name === shown.group && type !== "json");
  const chosen = group === undefined ? undefined : search.in;
  const where = useMemo(() => toWhere(filter, columns), [filter, columns]);
  const narrowed = useMemo(
    () => (group === undefined || chosen === undefined ? where : { _and: [where, isValue(group.name, chosen)] }),
    [where, group, chosen],
  );
  const go = (change: { [Key in keyof TableSearch]?: TableSearch[Key] | undefined }, replace = false) => {
    const next = Object.fromEntries(
      Object.entries({ ...search, ...change }).filter(([, value]) => value !== undefined),
    );
    void navigate({ to: "/$org/$app/tables/$table", params: { org, app, table: table.name }, search: next, replace });
  };
  return {
    search,
    go,
    view,
    /** A view that is not here any more, or not yet: nothing is shown before it is known. */
    isPending: search.view !== undefined && views.isPending,
    isChanged: !isSameArrangement(shown, saved, table),
    content: () => contentOf(shown, table),
    filter,
    order,
    where,
    narrowed,
    group,
    chosen,
    layout,
    setLayout,
    openView: (id: number | undefined) => {
      if (id === search.view) setLayout(null);
      void navigate({
        to: "/$org/$app/tables/$table",
        params: { org, app, table: table.name },
        search: id === undefined ? {} : { view: id },
      });
    },
  };
}

function isValue(column: string, value: Value): Where {
  return { [column]: value === null ? { _is_null: true } : { _eq: value } };
}

/** Remembers the arrangement of columns in this browser; `null` forgets it. */
function useLayout(key: string, usual: Layout): [Layout, (layout: Layout | null) => void] {
  const [own, setOwn] = useState<{ key: string; layout: Layout | null }>(() => ({ key, layout: remembered(key) }));
  const layout = own.key === key ? own.layout : remembered(key);
  const remember = (next: Layout | null) => {
    setOwn({ key, layout: next });
    if (next === null) window.localStorage.removeItem(key);
    else window.localStorage.setItem(key, JSON.stringify(next));
  };
  return [layout ?? usual, remember];
}

function remembered(key: string): Layout | null {
  const text = window.localStorage.getItem(key);
  return text === null ? null : readLayout(text);
}
