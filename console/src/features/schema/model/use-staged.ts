import { useCallback } from "react";
import { isRecord } from "@/api/graphql";
import { useDraft } from "@/api/use-draft";
import type { TableRead } from "@/features/tables";
import { countChanges, nothing, type Staged } from "./staged";

type Kept = { staged: Staged; base: TableRead };

/**
 * Holds what is staged for a table, and the state of the table that it was staged on. Each change is kept as a draft of
 * this browser. While nothing is staged, the base is what the table is.
 */
export function useStaged(user: number, present: TableRead) {
  const document = `schema/${present.app_id}/${present.id}`;
  const { kept, resumedAt, keep } = useDraft(user, document, readKept);
  const { staged, base } = kept ?? { staged: nothing, base: present };
  const put = (next: Kept) => keep(countChanges(next.staged) === 0 ? null : next);
  const discard = useCallback(() => keep(null), [keep]);
  return {
    staged,
    base,
    resumedAt,
    stage: (next: Staged) => put({ staged: next, base }),
    /** Goes on with what is staged, on the table as it is now. */
    rebase: () => put({ staged, base: present }),
    discard,
  };
}

function readKept(stored: unknown): Kept | null {
  if (!isRecord(stored) || !isRecord(stored.staged) || !isTable(stored.base)) return null;
  return { staged: { ...nothing, ...stored.staged }, base: stored.base };
}

/** The state of the table was read from the API when the draft was begun. */
function isTable(value: unknown): value is TableRead {
  return isRecord(value) && typeof value.name === "string" && Array.isArray(value.columns);
}
