import type { Snippet } from "@/ui/AsCode";
import { readingSnippets } from "@/ui/request-snippets";
import type { RunFilters } from "./filters";

/** Returns how a program reads the runs of a list. */
export function listSnippets(app: string | null, filters: RunFilters): Snippet[] {
  const query = new URLSearchParams({ limit: "50", cursor: "" });
  for (const [name, value] of Object.entries({ ...filters, ...(app === null ? {} : { app }) })) {
    for (const item of [value].flat()) query.append(name, String(item));
  }
  return readingSnippets(`/api/actions/runs/?${query}`);
}

/** Returns how a program reads one run. */
export function runSnippets(run: number): Snippet[] {
  return readingSnippets(`/api/actions/runs/${run}/`);
}
