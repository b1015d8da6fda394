import type { TableRead } from "@/features/tables";
import { t } from "@/i18n";

/** Says what differs between two states of a table, one sentence each. */
export function differences(before: TableRead, after: TableRead): string[] {
  const said: string[] = [];
  if (before.name !== after.name) said.push(t("The table is called {name} now.", { name: after.name }));
  for (const column of after.columns) {
    const old = before.columns.find(({ name }) => name === column.name);
    if (old === undefined) said.push(t("Column {name} is new.", { name: column.name }));
    else if (JSON.stringify(old) !== JSON.stringify({ ...column, position: old.position }))
      said.push(t("Column {name} was changed.", { name: column.name }));
  }
  for (const { name } of before.columns) {
    if (!after.columns.some((column) => column.name === name)) said.push(t("Column {name} is gone.", { name }));
  }
  if (JSON.stringify(before.unique) !== JSON.stringify(after.unique)) said.push(t("Unique keys were changed."));
  if (JSON.stringify(before.foreign_keys) !== JSON.stringify(after.foreign_keys))
    said.push(t("References were changed."));
  if (JSON.stringify(before.indexes) !== JSON.stringify(after.indexes)) said.push(t("Indexes were changed."));
  if (said.length === 0) said.push(t("Its columns have another order."));
  return said;
}
