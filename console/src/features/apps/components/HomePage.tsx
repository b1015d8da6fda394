import { Button, Text, Title } from "@mantine/core";
import IconInbox from "@tabler/icons-react/icons/IconInbox";
import IconPlus from "@tabler/icons-react/icons/IconPlus";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { type Command, useCommands } from "@/commands/registry";
import { unreadQuery } from "@/features/inbox";
import { RunCounts } from "@/features/runs";
import { t } from "@/i18n";
import { appReference } from "@/routing/references";
import { AsCode } from "@/ui/AsCode";
import { Count } from "@/ui/Count";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { MoreButton } from "@/ui/MoreButton";
import { LoadingRows, Page } from "@/ui/Page";
import { SearchInput } from "@/ui/SearchInput";
import { Time } from "@/ui/Time";
import { type App, appListQuery } from "../api";
import classes from "./HomePage.module.css";
import { WaysToStart } from "./WaysToStart";

/** The first page of an organization: its apps. */
export function HomePage() {
  const org = useOrganization();
  const navigate = useNavigate();
  const [search, setSearch] = useState("");
  const apps = useInfiniteQuery({ ...appListQuery(useApi(), search), placeholderData: keepPreviousData });
  const found = apps.data?.pages.flatMap((page) => page.results) ?? [];
  const isEmpty = apps.data !== undefined && !apps.isPlaceholderData && found.length === 0;
  const commands = useMemo<Command[]>(
    () => [
      {
        id: "new app",
        title: t("New app"),
        group: t("Apps"),
        keys: "n",
        run: () => navigate({ to: "/$org/apps/new", params: { org } }),
      },
    ],
    [navigate, org],
  );
  useCommands(commands);
  const newApp = (
    <Button
      leftSection={<IconPlus size={16} aria-hidden />}
      renderRoot={(props) => <Link to="/$org/apps/new" params={{ org }} {...props} />}
    >
      {t("New app")}
    </Button>
  );
  return (
    <Page
      title={t("Apps")}
      help="/help/console"
      asCode={<AsCode reads="/api/apps/" />}
      actions={newApp}
      toolbar={
        <>
          <SearchInput label={t("Search apps")} value={search} onSearch={setSearch} />
          <RunCounts />
          <NeedsMe />
        </>
      }
    >
      {apps.isPending && <LoadingRows />}
      {apps.error && <ErrorPanel error={apps.error} onRetry={() => apps.refetch()} />}
      {isEmpty && search === "" && (
        <EmptyState title={t("No apps yet")} action={<WaysToStart org={org} />}>
          {t("An app holds tables, the Python actions that work on them, and what connects them to other services.")}
        </EmptyState>
      )}
      {isEmpty && search !== "" && (
        <EmptyState
          title={t("No app matches “{search}”", { search })}
          action={
            <Button variant="default" onClick={() => setSearch("")}>
              {t("Clear the search")}
            </Button>
          }
        />
      )}
      <ul className={classes.cards}>
        {found.map((app) => (
          <li key={app.id}>
            <AppCard app={app} org={org} />
          </li>
        ))}
      </ul>
      <MoreButton list={apps} />
    </Page>
  );
}

function AppCard({ app, org }: { app: App; org: string }) {
  return (
    <Link to="/$org/$app" params={{ org, app: appReference(app) }} className={classes.card}>
      <Title order={2} size="h5" className={classes.name}>
        <bdi>{app.name}</bdi>
      </Title>
      <Text size="sm" c="dimmed" lineClamp={2} className={classes.description}>
        {app.description || t("No description")}
      </Text>
      <Text size="xs" c="dimmed">
        {t("changed")} <Time at={app.updated_at} />
      </Text>
    </Link>
  );
}

function NeedsMe() {
  const org = useOrganization();
  const unread = useQuery(unreadQuery(useApi()));
  return (
    <Count
      title={t("Needs me")}
      icon={<IconInbox size={16} aria-hidden />}
      count={unread.data}
      render={(props) => <Link to="/$org/inbox" params={{ org }} {...props} />}
    />
  );
}
