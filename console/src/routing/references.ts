/**
 * Words at the place of an organization's slug that lead elsewhere: pages of ours and paths of the API. A test compares
 * them with the server's routes.
 */
export const notOrganizations: ReadonlySet<string> = new Set([
  // Pages outside of organizations.
  ...["account", "admin", "forgot-password", "invite", "reset-password", "set-up", "sign-in"],
  // Paths of the API and of pages that the server makes.
  ...["accounts", "actions", "api", "apps", "bootstrap", "cache", "connect", "docs", "documents", "drafts", "files"],
  ...["client", "health"],
  ...["help", "integrations", "invitations", "me", "notifications", "oauth", "openapi.json", "organizations"],
  ...["password-resets", "plugins", "runner", "sessions", "static", "tokens", "usage", "users", "v1", "webhooks"],
]);

/** Words at the place of an app's slug that are pages of the organization. */
export const notApps: ReadonlySet<string> = new Set([
  ...["approvals", "apps", "findings", "inbox", "integrations", "plugins", "runs", "secrets", "settings"],
]);

/** Returns what stands for an organization in addresses: its slug, or its id where the slug means something else. */
export function organizationReference(organization: { id: number; slug: string }): string {
  return notOrganizations.has(organization.slug) ? String(organization.id) : organization.slug;
}

/** Returns what stands for an app in addresses. */
export function appReference(app: { id: number; slug: string }): string {
  return notApps.has(app.slug) ? String(app.id) : app.slug;
}
