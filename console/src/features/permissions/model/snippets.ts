import type { Snippet } from "@/ui/AsCode";
import { requestSnippets } from "@/ui/request-snippets";
import type { PermissionRead } from "../api";
import { type Permission, writeOf } from "./permission";

type About = {
  organization: string;
  app: string;
  table: string;
  permission: Permission;
  stored: PermissionRead | null;
};

/** Returns how a program stores what is shown, and what Hasura's metadata is of what is stored. */
export function permissionSnippets({ organization, app, table, permission, stored }: About): Snippet[] {
  const request = {
    method: "PUT",
    path: `/api/apps/${encodeURIComponent(app)}/table/${encodeURIComponent(table)}/permissions/member/`,
    organization,
    body: JSON.stringify(writeOf(permission, stored?.revision ?? 0)),
  };
  const metadata = JSON.stringify(stored?.metadata ?? {}, null, 2);
  return [...requestSnippets(request), { language: "Hasura metadata", code: metadata }];
}
