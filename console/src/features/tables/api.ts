import { queryOptions } from "@tanstack/react-query";
import { type Api, body } from "@/api/client";
import type { components } from "@/api/schema";
import type { Column, Table } from "@/features/grid";

export type TableRead = components["schemas"]["TableRead"];

/** Reads the tables of an app that the caller may work with. */
export function tablesQuery(api: Api, app: string) {
  return queryOptions({
    queryKey: ["tables", app],
    queryFn: async ({ signal }) =>
      body(await api.http.GET("/api/apps/{app}/user_tables/", { signal, params: { path: { app } } })),
  });
}

/** Returns what the grid must know of a table. `tables` are those of the app, to name what references lead to. */
export function tableOf(read: TableRead, tables: readonly TableRead[]): Table {
  const columns = read.columns.map((column): Column => {
    const foreign = read.foreign_keys.find((key) => key.column === column.name);
    const target = tables.find((table) => table.name === foreign?.table);
    return {
      name: column.name,
      type: column.type,
      isRequired: column.required,
      hasDefault: column.default !== null,
      isEditable: !column.is_system,
      choices: column.choices,
      reference:
        foreign === undefined || target === undefined
          ? null
          : {
              table: target.name,
              graphqlName: target.graphql_name,
              relationship: foreign.object_relationship,
              label: labelOf(target),
            },
    };
  });
  return {
    name: read.name,
    graphqlName: read.graphql_name,
    columns,
    unique: Object.fromEntries(read.unique.map((key) => [key.name, key.columns])),
  };
}

/** Returns the column that names a table's rows: one that is unique alone, else its first text, else the id. */
function labelOf(table: TableRead): string {
  const texts = table.columns.filter((column) => column.type === "text" && !column.is_system);
  const named = texts.find(({ name }) => /^(name|title|label)$/i.test(name));
  const unique = texts.find(({ name }) =>
    table.unique.some((key) => key.columns.length === 1 && key.columns[0] === name),
  );
  return (named ?? unique ?? texts[0])?.name ?? "id";
}
