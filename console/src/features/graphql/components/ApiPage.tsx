import { Anchor } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import type { As } from "@/api/viewing";
import { meQuery } from "@/features/accounts";
import { appQuery } from "@/features/apps";
import { t } from "@/i18n";
import { appRoute } from "@/routing/routes";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows, Page } from "@/ui/Page";
import { exampleQuery } from "../api";
import { AsChoice } from "./AsChoice";
import { Explorer } from "./Explorer";

/** Asks the app's GraphQL, as whoever is signed in or whom they may view it as. */
export function ApiPage() {
  const { app: reference } = appRoute.useParams();
  const api = useApi();
  const org = useOrganization();
  const app = useQuery(appQuery(api, reference));
  const me = useQuery(meQuery(api)).data;
  const [as, setAs] = useState<As>(null);
  const example = useQuery(exampleQuery(api, reference));
  return (
    <Page
      title={t("API")}
      help="/help/graphql-clients"
      // The panel "As a program" beside the query is that.
      asCode={null}
      state={me && <AsChoice me={me} as={as} onChoose={setAs} />}
      actions={
        app.data && (
          <Anchor
            href={`/api/apps/graphql/?app=${app.data.id}&organization=${encodeURIComponent(org)}`}
            target="_blank"
            rel="noreferrer"
          >
            {t("Open GraphiQL")}
          </Anchor>
        )
      }
    >
      {app.isPending && <LoadingRows />}
      {app.error && <ErrorPanel error={app.error} onRetry={() => app.refetch()} />}
      {app.data && me && !example.isPending && (
        <Explorer key={app.data.id} app={app.data.id} user={String(me.user.id)} example={example.data ?? ""} as={as} />
      )}
    </Page>
  );
}
