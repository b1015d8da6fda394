import { Anchor, Button, Group, Stack, Text, Title } from "@mantine/core";
import IconPlus from "@tabler/icons-react/icons/IconPlus";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, Suspense } from "react";
import { useApi, useOrganization } from "@/api/context";
import { meQuery } from "@/features/accounts";
import { RecentRuns } from "@/features/runs";
import { t } from "@/i18n";
import { appRoute } from "@/routing/routes";
import { AsCode } from "@/ui/AsCode";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows, Page } from "@/ui/Page";
import { Time } from "@/ui/Time";
import { appQuery, partsQuery } from "../api";
import classes from "./OverviewPage.module.css";

/** Shows what an app is made of and leads to it. */
export function OverviewPage() {
  const { app: slug } = appRoute.useParams();
  const org = useOrganization();
  const api = useApi();
  const app = useQuery(appQuery(api, slug));
  const parts = useQuery(partsQuery(api, slug));
  const role = useQuery(meQuery(api)).data?.role;
  const params = { org, app: slug };
  return (
    <Page
      title={app.data?.name ?? slug}
      help="/help/console"
      asCode={<AsCode reads={`/api/apps/${slug}/`} />}
      actions={
        (role === "owner" || role === "builder") && (
          <>
            <Button
              variant="default"
              renderRoot={(rest) => <Link to="/$org/$app/code/$" params={{ ...params, _splat: "" }} {...rest} />}
            >
              {t("Write code")}
            </Button>
            <Button
              leftSection={<IconPlus size={16} aria-hidden />}
              renderRoot={(rest) => <Link to="/$org/$app/tables/new-table" params={params} {...rest} />}
            >
              {t("New table")}
            </Button>
          </>
        )
      }
    >
      {app.isPending && <LoadingRows count={3} />}
      {app.error && <ErrorPanel error={app.error} onRetry={() => app.refetch()} />}
      {app.data && (
        <Stack gap="lg">
          <div>
            <Text>{app.data.description || t("No description")}</Text>
            <Text c="dimmed" size="sm">
              {t("Made")} <Time at={app.data.created_at} />
            </Text>
          </div>
          {parts.isPending && <LoadingRows count={3} />}
          {parts.error && <ErrorPanel error={parts.error} onRetry={() => parts.refetch()} />}
          {parts.data && (
            <Group align="flex-start" gap="xl">
              <Part
                title={t("Tables")}
                isEmpty={parts.data.tables.length === 0}
                empty={t("No tables yet: make one, or import a file.")}
                all={
                  <Anchor size="sm" renderRoot={(rest) => <Link to="/$org/$app/tables" params={params} {...rest} />}>
                    {t("All tables")}
                  </Anchor>
                }
              >
                {parts.data.tables.map(({ id, name, columns }) => (
                  <li key={id}>
                    <Anchor
                      renderRoot={(rest) => (
                        <Link to="/$org/$app/tables/$table" params={{ ...params, table: name }} {...rest} />
                      )}
                    >
                      <bdi>{name}</bdi>
                    </Anchor>{" "}
                    <Text span size="sm" c="dimmed">
                      {t("{count, plural, one {# column} other {# columns}}", {
                        count: columns.filter((column) => !column.is_system).length,
                      })}
                    </Text>
                  </li>
                ))}
              </Part>
              <Part
                title={t("Actions")}
                isEmpty={parts.data.actions.length === 0}
                empty={t("No actions yet: write a script that works on the tables.")}
                all={
                  <Anchor
                    size="sm"
                    renderRoot={(rest) => <Link to="/$org/$app/code/$" params={{ ...params, _splat: "" }} {...rest} />}
                  >
                    {t("All code")}
                  </Anchor>
                }
              >
                {parts.data.actions.map((action) => (
                  <li key={action.id}>
                    <Anchor
                      renderRoot={(rest) => (
                        <Link to="/$org/$app/actions/$action" params={{ ...params, action: action.slug }} {...rest} />
                      )}
                    >
                      <bdi>{action.name}</bdi>
                    </Anchor>
                  </li>
                ))}
              </Part>
              <section aria-label={t("Last runs")} className={classes.runs}>
                <Title order={2} size="h5" mb="xs">
                  {t("Last runs")}
                </Title>
                <Suspense fallback={<LoadingRows count={3} />}>
                  <RecentRuns app={slug} />
                </Suspense>
                <Anchor size="sm" renderRoot={(rest) => <Link to="/$org/$app/runs" params={params} {...rest} />}>
                  {t("All runs")}
                </Anchor>
              </section>
            </Group>
          )}
          <Anchor renderRoot={(rest) => <Link to="/$org/$app/api" params={params} {...rest} />}>
            {t("Try its GraphQL API")}
          </Anchor>
        </Stack>
      )}
    </Page>
  );
}

type PartProps = {
  title: string;
  isEmpty: boolean;
  empty: string;
  /** The link to all of them. */
  all: ReactNode;
  children: ReactNode;
};

function Part({ title, isEmpty, empty, all, children }: PartProps) {
  return (
    <section aria-label={title} className={classes.part}>
      <Title order={2} size="h5" mb="xs">
        {title}
      </Title>
      {isEmpty ? (
        <Text c="dimmed" size="sm">
          {empty}
        </Text>
      ) : (
        <ul className={classes.list}>{children}</ul>
      )}
      {all}
    </section>
  );
}
