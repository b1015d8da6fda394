import { t } from "@/i18n";
import type { Scope, Token } from "../api";

export const scopes: readonly Scope[] = ["data", "run", "build", "account", "cache"];

/** Says what a scope covers. */
export function describeScope(scope: Scope): string {
  return {
    data: t("read and write rows, call integrations, use the cache, send mail to oneself"),
    run: t("start actions, follow and cancel runs"),
    build: t("change apps, tables, actions and integrations"),
    account: t("manage organizations, members and tokens"),
    cache: t("use the cache, and nothing else"),
  }[scope];
}

/** Returns whether a token works no more, and since when it does not. */
export function endOf(token: Token, now: number): { state: "revoked" | "expired"; at: string } | null {
  if (token.revoked_at !== null) return { state: "revoked", at: token.revoked_at };
  if (token.expires_at !== null && Date.parse(token.expires_at) <= now)
    return { state: "expired", at: token.expires_at };
  return null;
}

/** Returns the settings that scripts and `automio` read, as a `.env` file. `baseUrl` is where the platform is. */
export function envBlock(
  token: { token: string; app_id: number | null },
  baseUrl: string,
  organization: { slug: string },
): string {
  const lines = [`API_BASE_URL=${baseUrl}`, `APP_TOKEN=${token.token}`, `ORG_SLUG=${organization.slug}`];
  if (token.app_id !== null) lines.push(`APP_ID=${token.app_id}`);
  return `${lines.join("\n")}\n`;
}
