import { useCallback, useEffect, useRef, useState } from "react";
import { dropDraft, findDrafts, keepDraft } from "@/api/drafts";
import type { PermissionRead } from "../api";
import { isSame, noLimits, type Permission, permissionOf } from "./permission";

/** What is edited: the permission, and JSON that is not one yet, by the rule that it is to be. */
export type Edited = { readonly permission: Permission; readonly unread: { readonly [rule: string]: string } };
type Kept = { edited: Edited; base: Permission; revision: number };

/**
 * Holds the permission as it is edited, and what it was when the editing began. Each change is kept as a draft of this
 * browser. While nothing is changed, it is what is stored.
 */
export function useDraft(user: number, table: number, stored: PermissionRead | null) {
  const document = `permissions/${table}/member`;
  const present: Kept = {
    edited: { permission: permissionOf(stored), unread: {} },
    base: permissionOf(stored),
    revision: stored?.revision ?? 0,
  };
  const [kept, setKept] = useState<Kept | null>(null);
  const [resumedAt, setResumedAt] = useState<number | null>(null);
  const isTouched = useRef(false);

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
    (next: Kept | null) => {
      isTouched.current = true;
      setKept(next);
      setResumedAt(null);
      // One draft of a table at a time, whatever revision it began with: it holds that itself.
      const draft = { user: String(user), document, base: "" };
      if (next === null) void dropDraft(draft);
      else void keepDraft({ ...draft, text: JSON.stringify(next), changedAt: Date.now() });
    },
    [user, document],
  );
  const shown = kept ?? present;
  return {
    edited: shown.edited,
    revision: shown.revision,
    base: shown.base,
    isChanged: kept !== null,
    isStale: kept !== null && kept.revision !== present.revision,
    resumedAt,
    change: (edited: Edited) => {
      const isBack = Object.keys(edited.unread).length === 0 && isSame(edited.permission, shown.base);
      put(isBack ? null : { ...shown, edited });
    },
    /** Goes on with what was edited, on what is stored now. */
    rebase: () => put({ ...shown, base: present.base, revision: present.revision }),
    discard: () => put(null),
  };
}

function readKept(text: string): Kept | null {
  try {
    const { edited, base, revision } = JSON.parse(text);
    if (typeof revision !== "number") return null;
    const permission = { ...noLimits, ...edited.permission };
    return { edited: { permission, unread: { ...edited.unread } }, base: { ...noLimits, ...base }, revision };
  } catch {
    return null;
  }
}
