import { Anchor, Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useApi, useOrganization } from "@/api/context";
import { meQuery } from "@/features/accounts";
import { appQuery } from "@/features/apps";
import { t } from "@/i18n";
import { AsCode } from "@/ui/AsCode";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows, Page } from "@/ui/Page";
import { actionsQuery } from "../api";
import { ActionHistory } from "./ActionHistory";
import { Code } from "./CodePage";

/** What only this tab needs is loaded with it. */
const Triggers = lazy(() => import("./Triggers").then((module) => ({ default: module.Triggers })));
const route = getRouteApi("/$org/$app/actions/$action");
const tabs = ["editor", "triggers", "history"] as const;
const labels = { editor: () => t("Editor"), triggers: () => t("Triggers"), history: () => t("History") } as const;

/** One action: its code, what starts it, and how it came to be. */
export function ActionPage() {
  const { org, app: slug, action: actionSlug } = route.useParams();
  const { tab = "editor", schedule } = route.useSearch();
  const api = useApi();
  const me = useQuery(meQuery(api));
  const app = useQuery(appQuery(api, slug));
  const id = app.data?.id ?? 0;
  const actions = useQuery({ ...actionsQuery(api, id), enabled: app.data !== undefined });
  const navigate = useNavigate();
  const action = actions.data?.find((one) => one.slug === actionSlug);
  const bar = (
    <Tabs
      value={tab}
      onChange={(value) => {
        const next = tabs.find((known) => known === value);
        const search = next === undefined || next === "editor" ? {} : { tab: next };
        void navigate({ to: "/$org/$app/actions/$action", params: { org, app: slug, action: actionSlug }, search });
      }}
    >
      <Tabs.List aria-label={t("Parts of the action")}>
        {tabs.map((known) => (
          <Tabs.Tab key={known} value={known}>
            {labels[known]()}
          </Tabs.Tab>
        ))}
      </Tabs.List>
    </Tabs>
  );
  if (action !== undefined && tab === "editor") return <Code app={slug} path="" action={actionSlug} tabs={bar} />;
  const failed = app.error ?? actions.error;
  return (
    <Page
      help="/help/scripts"
      asCode={<AsCode reads={`/api/actions/${action?.id}/`} />}
      title={action?.name ?? actionSlug}
      tabs={action && bar}
      breadcrumb={<Up slug={slug} />}
    >
      {failed && <ErrorPanel error={failed} onRetry={() => (app.error ? app.refetch() : actions.refetch())} />}
      {!failed && actions.data === undefined && <LoadingRows />}
      {actions.data !== undefined && action === undefined && (
        <EmptyState title={t("There is no action {slug}", { slug: actionSlug })} action={<Up slug={slug} />} />
      )}
      {action !== undefined && tab === "history" && <ActionHistory app={id} action={action} />}
      {action !== undefined && tab === "triggers" && (
        <Suspense fallback={<LoadingRows />}>
          <Triggers
            app={{ id, slug }}
            action={action}
            canBuild={me.data !== undefined && me.data.role !== "member"}
            schedule={schedule}
            onSchedule={(next) => {
              const search = { tab: "triggers" as const, ...(next === undefined ? {} : { schedule: next }) };
              void navigate({
                to: "/$org/$app/actions/$action",
                params: { org, app: slug, action: actionSlug },
                search,
              });
            }}
          />
        </Suspense>
      )}
    </Page>
  );
}

function Up({ slug }: { slug: string }) {
  const org = useOrganization();
  return (
    <Anchor renderRoot={(props) => <Link to="/$org/$app/code/$" params={{ org, app: slug, _splat: "" }} {...props} />}>
      {t("Code")}
    </Anchor>
  );
}
