import type { Snippet } from "@/ui/AsCode";
import { type Edit, newOf, type Plan } from "../api";

type About = { origin: string; org: string; app: string; table: string | null; change: Edit; plan: Plan };

/** Returns how a program makes the changes of a plan, and what PostgreSQL is told. `table` is null for a new one. */
export function schemaSnippets({ origin, org, app, table, change, plan }: About): Snippet[] {
  const path = table === null ? "new_table/" : `table/${encodeURIComponent(table)}/configuration/`;
  const url = `${origin}/api/apps/${encodeURIComponent(app)}/${path}`;
  const method = table === null ? "POST" : "PUT";
  const sent = table === null ? newOf({ ...change, name: change.name ?? "" }) : change;
  // Three quotes in a row, which would end Python's text, are never in JSON.
  const body = JSON.stringify(sent, null, 2);
  const curl = [
    `curl -X ${method} ${quoted(url)}`,
    '-H "Authorization: App-Token $APP_TOKEN"',
    `-H ${quoted(`X-Organization-Id: ${org}`)}`,
    "-H 'Content-Type: application/json'",
    `--data ${quoted(body)}`,
  ].join(" \\\n  ");
  const python = `import json
import os

import httpx

headers = {"Authorization": f"App-Token {os.environ['APP_TOKEN']}", "X-Organization-Id": ${JSON.stringify(org)}}
change = json.loads(r"""${body.replaceAll('"""', "\\u0022\\u0022\\u0022")}""")
answer = httpx.${method.toLowerCase()}(${JSON.stringify(url)}, headers=headers, json=change, timeout=60)
answer.raise_for_status()
print(answer.json())`;
  const sql = plan.statements.map((statement) => `-- ${statement.words}\n${statement.sql};`).join("\n\n");
  return [
    { language: "curl", code: curl },
    { language: "Python", code: python },
    { language: "SQL", code: `BEGIN;\n\n${sql}\n\nCOMMIT;` },
  ];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
