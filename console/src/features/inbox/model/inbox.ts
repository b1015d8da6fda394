import { appReference, notOrganizations } from "@/routing/references";

type Marked = { id: number; read_at: string | null };
type Part<T> = { results: T[] };
export type Parts<T> = { pages: Part<T>[]; pageParams: unknown[] };

/** Returns the list with what has just arrived before all others, once. */
export function withArrived<T extends Marked>(list: Parts<T>, arrived: T): Parts<T> {
  const [first, ...others] = list.pages;
  if (first === undefined || list.pages.some(({ results }) => results.some(({ id }) => id === arrived.id))) return list;
  return { ...list, pages: [{ ...first, results: [arrived, ...first.results] }, ...others] };
}

/** Returns the list with one item marked as read at `at`, or as unread (null). */
export function withMarked<T extends Marked>(list: Parts<T>, id: number, at: string | null): Parts<T> {
  const pages = list.pages.map((page) => ({
    ...page,
    results: page.results.map((item) => (item.id === id ? { ...item, read_at: at } : item)),
  }));
  return { ...list, pages };
}

/** Returns how a count is written in a badge: counts end at a hundred. */
export function badge(count: number): string {
  return count > 99 ? "99+" : String(count);
}

/** Where a notification leads. `isPage`: a page of the console, which needs no new document. */
export type Target = { href: string; isPage: boolean };

type Leading = {
  actions: readonly { url: string }[];
  run_id: number | null;
  app_id: number | null;
  data: Record<string, unknown> | null;
};

/**
 * Returns where opening a notification leads: its first button, else the import or export that it tells of, else the
 * run that sent it; null: nowhere.
 */
export function targetOf({ actions, run_id, app_id, data }: Leading, org: string): Target | null {
  const [first] = actions;
  if (first !== undefined) return targetOfUrl(first.url);
  const { app: slug, table, import_id, export_id } = data ?? {};
  if (app_id !== null && typeof slug === "string" && typeof table === "string") {
    const app = encodeURIComponent(appReference({ id: app_id, slug }));
    const imports = `/${org}/${app}/tables/${encodeURIComponent(table)}/imports`;
    if (typeof import_id === "number") return { href: `${imports}/${import_id}`, isPage: true };
    if (typeof export_id === "number") return { href: imports, isPage: true };
  }
  return run_id === null ? null : { href: `/${org}/runs/${run_id}`, isPage: true };
}

/** Returns where a button leads. Paths below words of the API are no pages of the console. */
export function targetOfUrl(url: string): Target {
  const isOwn = url.startsWith("/") && !url.startsWith("//");
  const word = isOwn ? (url.slice(1).split(/[/?#]/)[0] ?? "") : "";
  return { href: url, isPage: isOwn && word !== "" && (word === "account" || !notOrganizations.has(word)) };
}
