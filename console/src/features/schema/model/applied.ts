import type { TableRead } from "@/features/tables";
import { keysOf, nothing, type Staged, shownColumns } from "./staged";

/** Tells whether a table is what was staged on `base`: it has been applied, also where no answer has said so. */
export function isApplied(base: TableRead, staged: Staged, present: TableRead): boolean {
  return JSON.stringify(resultOf(base, staged)) === JSON.stringify(resultOf(present, nothing));
}

function resultOf(base: TableRead, staged: Staged) {
  const shown = shownColumns(base, staged);
  const { unique, indexes } = keysOf(base, staged, shown);
  const sorted = (keys: readonly { columns: readonly string[] }[]) => keys.map(({ columns }) => columns.join()).sort();
  return {
    name: staged.name ?? base.name,
    description: staged.description ?? base.description,
    // A reference that is required is restricted, whatever its form said.
    columns: shown.map(({ form }) => ({ ...form, isRestricted: form.isRestricted || form.isRequired })),
    unique: sorted(unique),
    indexes: sorted(indexes),
  };
}
