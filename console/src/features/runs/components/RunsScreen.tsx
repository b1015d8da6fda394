import { Button, Group, Loader, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { useOrganization } from "@/api/context";
import { t } from "@/i18n";
import { AsCode } from "@/ui/AsCode";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows, Page } from "@/ui/Page";
import type { RunScope } from "../api";
import { isFiltered, type RunFilters } from "../model/filters";
import { listSnippets } from "../model/snippets";
import { Filters } from "./Filters";
import { Histogram } from "./Histogram";
import classes from "./RunsScreen.module.css";
import { RunTable } from "./RunTable";
import { Standstill } from "./Standstill";
import { useLookingFurther } from "./useLookingFurther";
import { useRunList } from "./useRunList";

type Props = { title: string; app: string | null; filters: RunFilters; onFilter: (filters: RunFilters) => void };

/** The list of runs with its filters, kept live. */
export function RunsScreen({ title, app, filters, onFilter }: Props) {
  const scope = useMemo<RunScope>(() => ({ app }), [app]);
  return (
    <Page
      help="/help/reference/runs"
      title={title}
      asCode={<AsCode title={t("Read these runs with a program")} snippets={() => listSnippets(app, filters)} />}
      toolbar={<Filters app={app} filters={filters} onFilter={onFilter} />}
    >
      <List key={JSON.stringify([app, filters])} scope={scope} filters={filters} onFilter={onFilter} />
    </Page>
  );
}

type ListProps = { scope: RunScope } & Pick<Props, "filters" | "onFilter">;

function List({ scope, filters, onFilter }: ListProps) {
  const list = useRunList(scope, filters);
  return (
    <>
      {/* Counting is for later: the rows come first. */}
      <Histogram scope={scope} filters={filters} onFilter={onFilter} isEnabled={!list.isPending} />
      {list.isPending && <LoadingRows count={10} />}
      {list.error && list.data === undefined && <ErrorPanel error={list.error} onRetry={() => list.refetch()} />}
      {list.data !== undefined && <Listed list={list} scope={scope} filters={filters} onFilter={onFilter} />}
    </>
  );
}

function Listed({ list, scope, filters, onFilter }: ListProps & { list: ReturnType<typeof useRunList> }) {
  const { isLooking, stop } = useLookingFurther(list);
  const waiting = [...list.fresh, ...list.runs].filter(({ state }) => state === "pending");
  const fresh = list.fresh.length > 0 && (
    <Button variant="light" size="compact-sm" onClick={list.showFresh} className={classes.fresh}>
      {t("{count, plural, one {# new run: show it} other {# new runs: show them}}", { count: list.fresh.length })}
    </Button>
  );
  return (
    <>
      {waiting.length > 0 && <Standstill runs={waiting.map(({ id }) => id).join()} />}
      <div role="status">{fresh}</div>
      {list.streamError !== null && (
        <Text size="sm" c="dimmed" mb="xs">
          {t("This list is not live at the moment; reload the page for what is new.")}
        </Text>
      )}
      {list.runs.length > 0 && <RunTable runs={list.runs} showsApp={scope.app === null} />}
      {list.runs.length === 0 && !list.hasNextPage && <NoRuns app={scope.app} filters={filters} onFilter={onFilter} />}
      {list.isFetchNextPageError && <ErrorPanel error={list.error} onRetry={() => list.fetchNextPage()} />}
      {isLooking && (
        <Group gap="xs" mt="sm" role="status">
          <Loader size="xs" aria-hidden />
          <Text size="sm">{t("Looking through older runs for more that match")}</Text>
          <Button size="compact-sm" variant="default" onClick={stop}>
            {t("Stop")}
          </Button>
        </Group>
      )}
      {list.hasNextPage && !isLooking && !list.isFetchNextPageError && (
        <Button variant="default" mt="sm" loading={list.isFetchingNextPage} onClick={() => list.fetchNextPage()}>
          {t("Older runs")}
        </Button>
      )}
    </>
  );
}

function NoRuns({ app, filters, onFilter }: Omit<Props, "title">) {
  const org = useOrganization();
  if (!isFiltered(filters)) {
    return (
      <EmptyState
        title={t("No runs yet")}
        action={
          app !== null && (
            <Button renderRoot={(props) => <Link to="/$org/$app/code" params={{ org, app }} {...props} />}>
              {t("Run the first action")}
            </Button>
          )
        }
      >
        {t("A run is one execution of an action: started here, by a schedule, a webhook or a program.")}
      </EmptyState>
    );
  }
  return (
    <EmptyState
      title={t("No run matches these filters")}
      action={
        <Button variant="default" onClick={() => onFilter({})}>
          {t("Clear the filters")}
        </Button>
      }
    />
  );
}
