import { type QueryClient, queryOptions } from "@tanstack/react-query";
import { type Api, body } from "@/api/client";
import { meQuery, organizationsQuery } from "@/features/accounts";
import { appListQuery, appsQuery } from "@/features/apps";
import { unreadQuery } from "@/features/inbox";
import { underWayQuery } from "@/features/runs";

/** Reads at once what every page of an organization shows, and puts each part where the page that shows it looks. */
export function firstScreenQuery(api: Api, cache: QueryClient) {
  return queryOptions({
    queryKey: ["first screen"],
    queryFn: async ({ signal }) => {
      const screen = body(await api.http.GET("/api/bootstrap/", { signal }));
      const { user, organization, role, scopes } = screen;
      cache.setQueryData(meQuery(api).queryKey, {
        ...{ user, organization, role, scopes },
        // A page is always somebody's sign-in, never a token.
        ...{ kind: "session", app_id: null, run_id: null },
      });
      cache.setQueryData(organizationsQuery(api).queryKey, screen.organizations);
      cache.setQueryData(appsQuery(api).queryKey, screen.apps);
      cache.setQueryData(appListQuery(api, "").queryKey, { pages: [screen.apps], pageParams: [""] });
      cache.setQueryData(unreadQuery(api).queryKey, screen.unread);
      cache.setQueryData(underWayQuery(api).queryKey, screen.runs_under_way);
      return screen.installation;
    },
    // Each part is asked for anew by itself.
    staleTime: Number.POSITIVE_INFINITY,
  });
}
