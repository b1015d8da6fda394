import { Anchor } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useApi, useOrganization } from "@/api/context";
import { ApiError } from "@/api/errors";
import { meQuery } from "@/features/accounts";
import { appQuery } from "@/features/apps";
import { t } from "@/i18n";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows, Page } from "@/ui/Page";
import { actionsQuery, sourceQuery } from "../api";
import { fileOfEntry } from "../model/files";
import { CodeWorkbench } from "./CodeWorkbench";

const route = getRouteApi("/$org/$app/code/$");

/** The source of an app. */
export function CodePage() {
  const { app, _splat: path = "" } = route.useParams();
  const { line } = route.useSearch();
  return <Code app={app} path={path} line={line} />;
}

type CodeProps = {
  app: string;
  path: string;
  line?: number | undefined;
  /** The action whose page this is, with the tabs of that page. */
  action?: string;
  tabs?: ReactNode;
};

/** Loads what the editor needs and opens it at a file: that of `path`, of `action`, else of the first action. */
export function Code({ app: slug, path, line, action, tabs }: CodeProps) {
  const api = useApi();
  const org = useOrganization();
  const navigate = useNavigate();
  const me = useQuery(meQuery(api));
  const app = useQuery(appQuery(api, slug));
  const id = app.data?.id ?? 0;
  const source = useQuery({ ...sourceQuery(api, id), enabled: app.data !== undefined });
  const actions = useQuery({ ...actionsQuery(api, id), enabled: app.data !== undefined });
  // Whoever may no longer read it keeps what is open: what they typed is nowhere else.
  const isClosed =
    source.data === undefined && source.error instanceof ApiError && [403, 404].includes(source.error.status);
  if (app.data !== undefined && isClosed) return <Closed name={app.data.name} />;
  const failed = [me, app, source, actions].find(({ error, data }) => error !== null && data === undefined);
  if (me.data === undefined || app.data === undefined || source.data === undefined || actions.data === undefined) {
    return (
      <Page title={t("Code")} help="/help/scripts" asCode={null}>
        {failed === undefined ? <LoadingRows /> : <ErrorPanel error={failed.error} onRetry={() => failed.refetch()} />}
      </Page>
    );
  }
  const named = actions.data.find(({ slug: own }) => own === action);
  const first = named ?? (path === "" ? actions.data[0] : undefined);
  const shown = first === undefined ? path : fileOfEntry(first.entry);
  return (
    <CodeWorkbench
      key={app.data.id}
      app={app.data.id}
      user={me.data.user.id}
      canBuild={me.data.role !== "member" && app.data.organization === me.data.organization.slug}
      source={source.data}
      actions={actions.data}
      path={shown === "" ? null : shown}
      line={line}
      title={named?.name ?? (shown === "" ? t("Code") : shown)}
      breadcrumb={
        <Anchor renderRoot={(props) => <Link to="/$org/$app" params={{ org, app: slug }} {...props} />}>
          <bdi>{app.data.name}</bdi>
        </Anchor>
      }
      tabs={tabs}
      onOpen={(next, at) => {
        const search = at === undefined ? {} : { line: at };
        void navigate({ to: "/$org/$app/code/$", params: { org, app: slug, _splat: next ?? "" }, search });
      }}
    />
  );
}

function Closed({ name }: { name: string }) {
  return (
    <Page title={t("Code")} help="/help/scripts" asCode={null}>
      <EmptyState title={t("The source of {name} is not open to you", { name })}>
        {t("Builders and owners of the organization that owns the app read and change it. You can run its actions.")}
      </EmptyState>
    </Page>
  );
}
