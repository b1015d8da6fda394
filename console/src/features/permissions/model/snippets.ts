import type { Snippet } from "@/ui/AsCode";
import type { PermissionRead } from "../api";
import { type Permission, writeOf } from "./permission";

type About = {
  origin: string;
  organization: string;
  app: string;
  table: string;
  permission: Permission;
  stored: PermissionRead | null;
};

/** Returns how a program stores what is shown, and what Hasura's metadata is of what is stored. */
export function permissionSnippets({ origin, organization, app, table, permission, stored }: About): Snippet[] {
  const url = `${origin}/api/apps/${app}/table/${table}/permissions/member/`;
  const body = JSON.stringify(writeOf(permission, stored?.revision ?? 0), null, 2);
  const curl = [
    `curl -X PUT ${shell(url)}`,
    '-H "Authorization: App-Token $APP_TOKEN"',
    `-H ${shell(`X-Organization-Id: ${organization}`)}`,
    "-H 'Content-Type: application/json'",
    `-d ${shell(body)}`,
  ].join(" \\\n  ");
  const python = `import json
import os

import httpx

permission = json.loads(r"""
${body}
""")
answer = httpx.put(
    ${JSON.stringify(url)},
    headers={
        "Authorization": f"App-Token {os.environ['APP_TOKEN']}",
        "X-Organization-Id": ${JSON.stringify(organization)},
    },
    json=permission,
)
answer.raise_for_status()
print(answer.json())`;
  const metadata = JSON.stringify(stored?.metadata ?? {}, null, 2);
  return [
    { language: "curl", code: curl },
    { language: "Python", code: python },
    { language: "Hasura metadata", code: metadata },
  ];
}

function shell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
