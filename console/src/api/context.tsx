import { QueryClientProvider } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useMemo } from "react";
import { type Api, createApi, createCache } from "./client";

type Acting = { organization: string | null; api: Api };

const Context = createContext<Acting | null>(null);

/**
 * Gives what is below it the API acting in `organization` and a cache of its own, so that answers of one organization
 * are never shown in another. `null`: outside of any organization.
 */
export function ActingIn({ organization, children }: { organization: string | null; children: ReactNode }) {
  const acting = useMemo(
    () => ({ organization, api: createApi(organization, { canAskToSignIn: organization !== null }) }),
    [organization],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: another organization, another cache
  const cache = useMemo(createCache, [organization]);
  return (
    <Context value={acting}>
      <QueryClientProvider client={cache}>{children}</QueryClientProvider>
    </Context>
  );
}

/** Returns the API for the organization of this page. */
export function useApi(): Api {
  return useActing().api;
}

/** Returns the slug of the organization of this page. */
export function useOrganization(): string {
  const { organization } = useActing();
  if (organization === null) throw new Error("this part of the console is used outside of an organization");
  return organization;
}

function useActing(): Acting {
  const acting = useContext(Context);
  if (acting === null) throw new Error("ActingIn is missing above");
  return acting;
}
