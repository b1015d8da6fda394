import { Button, Text, TextInput, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import IconPlus from "@tabler/icons-react/icons/IconPlus";
import IconSearch from "@tabler/icons-react/icons/IconSearch";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { t } from "@/i18n";
import { appReference } from "@/routing/references";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows, Page } from "@/ui/Page";
import { Time } from "@/ui/Time";
import { type App, appsQuery } from "../api";
import classes from "./HomePage.module.css";
import { WaysToStart } from "./WaysToStart";

/** The first page of an organization: its apps. */
export function HomePage() {
  const org = useOrganization();
  const apps = useQuery(appsQuery(useApi()));
  const [text, setText] = useState("");
  const [search] = useDebouncedValue(text, 150);
  const found = apps.data?.results.filter((app) => matches(app, search)) ?? [];
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
      actions={newApp}
      toolbar={
        <TextInput
          aria-label={t("Search apps")}
          placeholder={t("Search apps")}
          leftSection={<IconSearch size={16} aria-hidden />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          data-search
        />
      }
    >
      {apps.isPending && <LoadingRows />}
      {apps.error && <ErrorPanel error={apps.error} onRetry={() => apps.refetch()} />}
      {apps.data?.results.length === 0 && (
        <EmptyState title={t("No apps yet")} action={<WaysToStart org={org} />}>
          {t("An app holds tables, the Python actions that work on them, and what connects them to other services.")}
        </EmptyState>
      )}
      {apps.data && apps.data.results.length > 0 && found.length === 0 && (
        <EmptyState
          title={t("No app matches “{search}”", { search })}
          action={
            <Button variant="default" onClick={() => setText("")}>
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

function matches(app: App, search: string): boolean {
  const text = search.trim().toLocaleLowerCase();
  return text === "" || [app.name, app.slug, app.description].some((part) => part.toLocaleLowerCase().includes(text));
}
