import type { components } from "@/api/schema";
import type { PermissionRead } from "../api";
import type { Rule } from "./rule";

export const parts = ["read", "add", "change", "delete"] as const;
export type Part = (typeof parts)[number];

/** What members may do with the rows of a table; without limits, everything. */
export type Permission = {
  readonly read: Right;
  readonly add: Right;
  readonly change: Right & { readonly after: Rule };
  readonly delete: Right;
};

/** One of the four. `columns`: null for all. */
export type Right = {
  readonly allowed: boolean;
  readonly rule: Rule;
  readonly columns: readonly string[] | null;
  readonly presets: Presets;
};
export type Presets = { readonly [column: string]: unknown };

const everything: Right = { allowed: true, rule: {}, columns: null, presets: {} };
export const noLimits: Permission = {
  read: everything,
  add: everything,
  change: { ...everything, after: {} },
  delete: everything,
};

/** Returns what is stored in the form that is edited. */
export function permissionOf(read: PermissionRead | null): Permission {
  if (read === null) return noLimits;
  return {
    read: { ...everything, ...defined(read.read) },
    add: { ...everything, ...defined(read.add) },
    change: { ...noLimits.change, ...defined(read.change) },
    delete: { ...everything, ...defined(read.delete) },
  };
}

/** Returns what is sent. */
export function writeOf(permission: Permission, revision: number): components["schemas"]["PermissionWrite"] {
  const { read, add, change, delete: removal } = permission;
  return {
    base_revision: revision,
    read: { allowed: read.allowed, rule: { ...read.rule }, columns: listOf(read) },
    add: { allowed: add.allowed, rule: { ...add.rule }, columns: listOf(add), presets: { ...add.presets } },
    change: {
      allowed: change.allowed,
      rule: { ...change.rule },
      after: { ...change.after },
      columns: listOf(change),
      presets: { ...change.presets },
    },
    delete: { allowed: removal.allowed, rule: { ...removal.rule } },
  };
}

/** Forbids or allows one of the four, and what cannot be without it. */
export function allow(permission: Permission, part: Part, allowed: boolean): Permission {
  const next = { ...permission, [part]: { ...permission[part], allowed } };
  // Rows that cannot be read can be neither found nor changed.
  if (part === "read" && !allowed) {
    return {
      ...next,
      change: { ...next.change, allowed: false },
      delete: { ...next.delete, allowed: false },
    };
  }
  const needsRead = allowed && (part === "change" || part === "delete");
  return needsRead ? { ...next, read: { ...next.read, allowed: true } } : next;
}

export function isSame(one: Permission, other: Permission): boolean {
  return JSON.stringify(writeOf(one, 0)) === JSON.stringify(writeOf(other, 0));
}

/** Returns in which parts two permissions differ. */
export function differing(one: Permission, other: Permission): Part[] {
  return parts.filter((part) => JSON.stringify(one[part]) !== JSON.stringify(other[part]));
}

function listOf({ columns }: Right): string[] | null {
  return columns === null ? null : [...columns];
}

function defined<T extends object>(value: T | undefined): Partial<T> {
  return value ?? {};
}
