import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { type Api, body } from "@/api/client";
import { ApiError } from "@/api/errors";
import { graphql, isRecord } from "@/api/graphql";
import type { components } from "@/api/schema";
import { type Column, fieldsQuery, type Limits, readFields, type Table } from "@/features/grid";

export type TableRead = components["schemas"]["TableRead"];

/** Reads the tables of an app that the caller may work with. */
export function tablesQuery(api: Api, app: string) {
  return queryOptions({
    queryKey: ["tables", app],
    queryFn: async ({ signal }) =>
      body(await api.http.GET("/api/apps/{app}/user_tables/", { signal, params: { path: { app } } })),
  });
}

/** Reads one table and those that it refers to, however many tables the app has. */
export function tableQuery(api: Api, app: string, name: string) {
  return queryOptions({
    queryKey: ["tables", app, "one", name],
    queryFn: async ({ signal }) => {
      const read = async (table_name: string) =>
        body(
          await api.http.GET("/api/apps/{app}/table/{table_name}/", { signal, params: { path: { app, table_name } } }),
        );
      const table = await read(name);
      const targets = new Set(table.foreign_keys.map((key) => key.table));
      targets.delete(table.name);
      return { table, targets: [table, ...(await Promise.all([...targets].map(read)))] };
    },
    retry: (failures, error) => failures < 3 && !(error instanceof ApiError && error.status < 500),
  });
}

/** Reads the tables of an app by name, part by part; the server searches, however many there are. */
export function tableListQuery(api: Api, app: string, search: string) {
  return infiniteQueryOptions({
    queryKey: ["tables", app, { search }],
    initialPageParam: "",
    queryFn: async ({ signal, pageParam }) => {
      const query = { order: "name" as const, limit: 50, cursor: pageParam, ...(search ? { search } : {}) };
      return body(await api.http.GET("/api/apps/{app}/user_tables/", { signal, params: { path: { app }, query } }));
    },
    getNextPageParam: (part) => part.next_cursor ?? null,
  });
}

export type Tag = components["schemas"]["TagObject"];

/** Reads the tags that the organization gave to tables of an app: the first hundred, by name. */
export function tagsQuery(api: Api, app: string) {
  return queryOptions({
    queryKey: ["table tags", app],
    queryFn: async ({ signal }) => {
      const params = { path: { app }, query: { limit: 100 } };
      return body(await api.http.GET("/api/apps/table-tags/{app}/", { signal, params })).results;
    },
  });
}

/** Gives a table a tag. */
export async function addTag(api: Api, app: string, table: string, name: string): Promise<void> {
  const path = { app, table_name: table };
  await api.http.POST("/api/apps/table-tags/{app}/{table_name}/add/", { params: { path }, body: { name } });
}

/** Takes a tag off its table. */
export async function removeTag(api: Api, tag: number): Promise<void> {
  await api.http.DELETE("/api/apps/table-tags/tag/{tag_id}/", { params: { path: { tag_id: tag } } });
}

/** Returns what the grid must know of a table. `tables` has those that its references lead to. */
export function tableOf(read: TableRead, tables: readonly TableRead[]): Table {
  const { limits } = read;
  const columnOf = (column: TableRead["columns"][number]): Column => {
    const foreign = read.foreign_keys.find((key) => key.column === column.name);
    const target = tables.find((table) => table.name === foreign?.table);
    return {
      name: column.name,
      type: column.type,
      isRequired: column.required,
      hasDefault: column.default !== null,
      isEditable: isOpen(column, limits?.change),
      isAddable: isOpen(column, limits?.add),
      isLocked: !column.is_system && !isOpen(column, limits?.change),
      choices: column.choices,
      description: column.description ?? "",
      format: column.format ?? {},
      reference:
        foreign === undefined || target === undefined || target.limits?.read.allowed === false
          ? null
          : {
              table: target.name,
              graphqlName: target.graphql_name,
              relationship: foreign.object_relationship,
              label: labelOf(target),
            },
    };
  };
  const isReadable = isReadableIn(read);
  const hidden = read.columns.filter((column) => !isReadable(column));
  return {
    name: read.name,
    graphqlName: read.graphql_name,
    columns: read.columns.filter(isReadable).map(columnOf),
    writeOnly: hidden.map(columnOf).filter(({ isAddable }) => isAddable),
    unique: Object.fromEntries(read.unique.map((key) => [key.name, key.columns])),
    ...(limits === null || limits === undefined ? {} : { limits: limitsOf(read, limits) }),
  };
}

/** Reads which tables have rows that refer to rows of this one, and by which relationship. */
export function referringQuery(api: Api, app: string, table: Table) {
  return queryOptions({
    queryKey: ["tables", app, "referring", table.graphqlName],
    queryFn: async ({ signal }) => {
      const names = [table.graphqlName];
      const fields = readFields(await graphql(api, app, fieldsQuery(names), {}, signal), names);
      // Both names begin with what the app's tables have in common.
      const prefix = table.graphqlName.slice(0, table.graphqlName.length - table.name.length);
      const lists = fields.get(table.graphqlName)?.filter(({ list }) => list?.startsWith(prefix)) ?? [];
      const read = async ({ name, list }: { name: string; list: string | null }) => {
        const path = { app, table_name: (list ?? "").slice(prefix.length) };
        const answer = await api.http.GET("/api/apps/{app}/table/{table_name}/", { signal, params: { path } });
        return { relationship: name, by: body(answer) };
      };
      return Promise.all(lists.map(read));
    },
  });
}

export type Related = {
  /** The table whose rows refer to the row, and the column by which they do. */
  readonly table: string;
  readonly column: string;
  readonly count: number;
  readonly rows: readonly { readonly id: string; readonly label: string }[];
};

/** Reads the first rows that refer to a row by one relationship, and how many there are. */
export function relatedQuery(api: Api, app: string, table: Table, id: string, relationship: string, by: TableRead) {
  return queryOptions({
    queryKey: ["related", app, table.graphqlName, id, relationship],
    queryFn: async ({ signal }): Promise<Related> => {
      const query = `query Related($where: ${table.graphqlName}_bool_exp!) { rows: ${table.graphqlName}(where: $where) {
        ${relationship}(limit: 5, order_by: { id: asc }) { id label: ${labelOf(by)} }
        all: ${relationship}_aggregate { aggregate { count } } } }`;
      const data = await graphql(api, app, query, { where: { id: { _eq: id } } }, signal);
      const row: unknown = Array.isArray(data.rows) ? data.rows[0] : null;
      const rows: unknown = isRecord(row) ? row[relationship] : null;
      const all = isRecord(row) && isRecord(row.all) && isRecord(row.all.aggregate) ? row.all.aggregate.count : 0;
      return {
        table: by.name,
        column: by.foreign_keys.find((key) => key.array_relationship === relationship)?.column ?? "",
        count: Number(all),
        rows: (Array.isArray(rows) ? rows : []).flatMap((item: unknown) =>
          isRecord(item) ? [{ id: String(item.id), label: String(item.label ?? item.id) }] : [],
        ),
      };
    },
    staleTime: 0,
  });
}

type OwnLimits = components["schemas"]["OwnPermission"];

function limitsOf(read: TableRead, limits: OwnLimits): Limits {
  return {
    canRead: limits.read.allowed,
    canAdd: limits.add.allowed,
    canChange: limits.change.allowed,
    canDelete: limits.delete.allowed,
    isByRow: limits.read.is_by_row,
    hidden: read.columns.filter((column) => !isReadableIn(read)(column)).length,
  };
}

/** Tells of columns whether the caller may read them; those of the platform always. */
function isReadableIn({ limits }: TableRead) {
  return (column: TableRead["columns"][number]) =>
    column.is_system || limits === null || limits === undefined || limits.read.columns.includes(column.name);
}

function isOpen(column: TableRead["columns"][number], right: OwnLimits["change"] | undefined): boolean {
  if (column.is_system) return false;
  return right === undefined || (right.allowed && right.columns.includes(column.name));
}

/** Returns the column that names a table's rows: one that is unique alone, else its first text, else the id. */
function labelOf(table: TableRead): string {
  const readable = table.columns.filter(isReadableIn(table));
  const texts = readable.filter((column) => column.type === "text" && !column.is_system);
  const named = texts.find(({ name }) => /^(name|title|label)$/i.test(name));
  const unique = texts.find(({ name }) =>
    table.unique.some((key) => key.columns.length === 1 && key.columns[0] === name),
  );
  return (named ?? unique ?? texts[0])?.name ?? "id";
}

export type View = components["schemas"]["ViewRead"];

/** Reads the views of a table: those that are shared, and one's own. */
export function viewsQuery(api: Api, app: string, table: string) {
  return queryOptions({
    queryKey: ["views", app, table],
    queryFn: async ({ signal }) => {
      const views: View[] = [];
      let cursor = "";
      for (let part = 0; part < 10; part += 1) {
        const page = body(
          await api.http.GET("/api/apps/{app}/table/{table_name}/views/", {
            signal,
            params: { path: { app, table_name: table }, query: { cursor, limit: 100 } },
          }),
        );
        views.push(...page.results);
        if (page.next_cursor === null || page.next_cursor === undefined) break;
        cursor = page.next_cursor;
      }
      return views;
    },
  });
}

/** Changes that a view can have; `content` is an arrangement of rows. */
export type ViewChange = { name?: string; is_shared?: boolean; content?: Record<string, unknown> };

export async function createView(
  api: Api,
  app: string,
  table: string,
  view: { name: string; is_shared: boolean; content: Record<string, unknown> },
): Promise<View> {
  const params = { path: { app, table_name: table } };
  return body(await api.http.POST("/api/apps/{app}/table/{table_name}/views/", { params, body: view }));
}

/** Changes a view, if nobody has changed it since it was read. */
export async function changeView(api: Api, app: string, table: string, view: View, change: ViewChange): Promise<View> {
  return body(
    await api.http.PATCH("/api/apps/{app}/table/{table_name}/views/{view_id}/", {
      params: { path: { app, table_name: table, view_id: view.id } },
      body: { base_revision: view.revision, ...change },
    }),
  );
}

export async function deleteView(api: Api, app: string, table: string, view: View): Promise<void> {
  await api.http.DELETE("/api/apps/{app}/table/{table_name}/views/{view_id}/", {
    params: { path: { app, table_name: table, view_id: view.id } },
  });
}
