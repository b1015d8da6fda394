const viewAsHeader = "X-Automio-View-As";

/** As whom this tab views an organization: a role or a member's user id, and what a person calls them. */
export type Viewed = { target: string; name: string };

/** Returns as whom this tab views the organization; null for oneself. */
export function viewedIn(organization: string): Viewed | null {
  const kept = storage()?.getItem(keyOf(organization)) ?? null;
  if (kept === null) return null;
  const at = kept.indexOf(" ");
  return { target: kept.slice(0, at), name: kept.slice(at + 1) };
}

/** Views the organization as somebody else, or as oneself again. What was read before must be forgotten: reload. */
export function viewIn(organization: string, viewed: Viewed | null): void {
  if (viewed === null) storage()?.removeItem(keyOf(organization));
  else storage()?.setItem(keyOf(organization), `${viewed.target} ${viewed.name}`);
}

/** Returns the headers that say in which organization a request acts, and as whom it views that, unless `isOneself`. */
export function actingHeaders(organization: string | null, isOneself = false): Record<string, string> {
  if (organization === null) return {};
  const viewed = isOneself ? null : viewedIn(organization);
  return {
    "X-Organization-Id": organization,
    ...headersOf(viewed?.target ?? null),
  };
}

/** Whose rights one operation has: a role or a member's user id; null: of who is signed in. */
export type As = string | null;

/** Returns the header that says whose rights an operation has. */
export function headersOf(as: As): Record<string, string> {
  return as === null ? {} : { [viewAsHeader]: as };
}

function keyOf(organization: string): string {
  return `automio.view-as.${organization}`;
}

function storage(): Storage | null {
  // Absent in unit tests, and forbidden by some browsers.
  try {
    return globalThis.sessionStorage ?? null;
  } catch {
    return null;
  }
}
