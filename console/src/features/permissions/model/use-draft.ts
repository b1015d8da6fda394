import { isRecord } from "@/api/graphql";
import { useDraft } from "@/api/use-draft";
import type { PermissionRead } from "../api";
import { isSame, noLimits, type Permission, permissionOf } from "./permission";

/** What is edited: the permission, and JSON that is not one yet, by the rule that it is to be. */
export type Edited = { readonly permission: Permission; readonly unread: { readonly [rule: string]: string } };
type Kept = { edited: Edited; base: Permission; revision: number };

/**
 * Holds the permission as it is edited, and what it was when the editing began. Each change is kept as a draft of this
 * browser. While nothing is changed, it is what is stored.
 */
export function usePermissionDraft(user: number, table: number, stored: PermissionRead | null) {
  const document = `permissions/${table}/member`;
  const present: Kept = {
    edited: { permission: permissionOf(stored), unread: {} },
    base: permissionOf(stored),
    revision: stored?.revision ?? 0,
  };
  const { kept, resumedAt, keep } = useDraft(user, document, readKept);
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
      keep(isBack ? null : { ...shown, edited });
    },
    /** Goes on with what was edited, on what is stored now. */
    rebase: () => keep({ ...shown, base: present.base, revision: present.revision }),
    discard: () => keep(null),
  };
}

function readKept(stored: unknown): Kept | null {
  if (!isRecord(stored)) return null;
  const { edited, base, revision } = stored;
  if (typeof revision !== "number" || !isRecord(edited) || !isRecord(edited.permission) || !isRecord(base)) return null;
  const permission = { ...noLimits, ...edited.permission };
  const unread = isRecord(edited.unread) ? edited.unread : {};
  const texts = Object.entries(unread).filter((item): item is [string, string] => typeof item[1] === "string");
  return { edited: { permission, unread: Object.fromEntries(texts) }, base: { ...noLimits, ...base }, revision };
}
