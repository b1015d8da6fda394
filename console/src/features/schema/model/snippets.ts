import type { Snippet } from "@/ui/AsCode";
import { requestSnippets } from "@/ui/request-snippets";
import { type Edit, newOf, type Plan } from "../api";

type About = { org: string; app: string; table: string | null; change: Edit; plan: Plan };

/** Returns how a program makes the changes of a plan, and what PostgreSQL is told. `table` is null for a new one. */
export function schemaSnippets({ org, app, table, change, plan }: About): Snippet[] {
  const path = table === null ? "new_table/" : `table/${encodeURIComponent(table)}/configuration/`;
  const request = {
    method: table === null ? "POST" : "PUT",
    path: `/api/apps/${encodeURIComponent(app)}/${path}`,
    organization: org,
    body: JSON.stringify(table === null ? newOf({ ...change, name: change.name ?? "" }) : change),
  };
  const sql = plan.statements.map((statement) => `-- ${statement.words}\n${statement.sql};`).join("\n\n");
  return [...requestSnippets(request), { language: "SQL", code: `BEGIN;\n\n${sql}\n\nCOMMIT;` }];
}
