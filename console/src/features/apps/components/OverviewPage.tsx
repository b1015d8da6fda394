import { Anchor, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useApi, useOrganization } from "@/api/context";
import { t } from "@/i18n";
import { appRoute } from "@/routing/routes";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows, Page } from "@/ui/Page";
import { Time } from "@/ui/Time";
import { appQuery } from "../api";

/** Shows what an app is and leads to its parts. */
export function OverviewPage() {
  const { app: slug } = appRoute.useParams();
  const org = useOrganization();
  const app = useQuery(appQuery(useApi(), slug));
  return (
    <Page title={app.data?.name ?? slug} help="/help/console" width="reading">
      {app.isPending && <LoadingRows count={3} />}
      {app.error && <ErrorPanel error={app.error} onRetry={() => app.refetch()} />}
      {app.data && (
        <Stack gap="sm">
          <Text>{app.data.description || t("No description")}</Text>
          <Text c="dimmed" size="sm">
            {t("Made")} <Time at={app.data.created_at} />
          </Text>
          <Anchor renderRoot={(props) => <Link to="/$org/$app/api" params={{ org, app: slug }} {...props} />}>
            {t("Try its GraphQL API")}
          </Anchor>
        </Stack>
      )}
    </Page>
  );
}
