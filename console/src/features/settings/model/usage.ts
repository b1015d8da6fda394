import { locale } from "@/i18n";
import type { Snippet } from "@/ui/AsCode";
import { readingSnippets } from "@/ui/request-snippets";

/** Returns the height of a bar, in CSS; what is there at all is seen. */
export function heightOf(count: number, highest: number): string {
  return count <= 0 ? "0" : `max(2px, ${(100 * count) / highest}%)`;
}

/** Returns a day (`2026-11-30`) as people write it; days are UTC's. */
export function nameOfDay(day: string): string {
  const format = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });
  return format.format(new Date(`${day}T00:00:00Z`));
}

/** Returns how a program reads the same numbers. */
export function usageSnippets(organization: string): Snippet[] {
  return readingSnippets("/api/usage/", organization);
}
