import { useCallback, useEffect, useRef, useState } from "react";
import { dropDraft, findDrafts, keepDraft } from "@/api/drafts";
import type { TableRead } from "@/features/tables";
import { countChanges, nothing, type Staged } from "./staged";

type Kept = { staged: Staged; base: TableRead };

/**
 * Holds what is staged for a table, and the state of the table that it was staged on. Each change is kept as a draft of
 * this browser. While nothing is staged, the base is what the table is.
 */
export function useStaged(user: number, present: TableRead) {
  const document = `schema/${present.app_id}/${present.id}`;
  const [kept, setKept] = useState<Kept>({ staged: nothing, base: present });
  const [resumedAt, setResumedAt] = useState<number | null>(null);
  const isTouched = useRef(false);
  const base = countChanges(kept.staged) === 0 ? present : kept.base;

  useEffect(() => {
    let isGone = false;
    void findDrafts(String(user), document).then((drafts) => {
      const draft = drafts.find((item) => item.document === document);
      const read = draft === undefined ? null : readKept(draft.text);
      if (isGone || isTouched.current || draft === undefined || read === null) return;
      setKept(read);
      setResumedAt(draft.changedAt);
    });
    return () => {
      isGone = true;
    };
  }, [user, document]);

  const put = useCallback(
    (next: Kept) => {
      isTouched.current = true;
      setKept(next);
      setResumedAt(null);
      // One draft of a table at a time, whatever revision it began with: it holds that state itself.
      const draft = { user: String(user), document, base: "" };
      if (countChanges(next.staged) === 0) void dropDraft(draft);
      else void keepDraft({ ...draft, text: JSON.stringify(next), changedAt: Date.now() });
    },
    [user, document],
  );
  const discard = useCallback(() => put({ staged: nothing, base: present }), [put, present]);
  return {
    staged: kept.staged,
    base,
    resumedAt,
    stage: (staged: Staged) => put({ staged, base }),
    /** Goes on with what is staged, on the table as it is now. */
    rebase: () => put({ staged: kept.staged, base: present }),
    discard,
  };
}

function readKept(text: string): Kept | null {
  try {
    const { staged, base } = JSON.parse(text);
    return { staged: { ...nothing, ...staged }, base };
  } catch {
    return null;
  }
}
