import { Button, Chip, Group, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import IconSearch from "@tabler/icons-react/icons/IconSearch";
import { useMemo } from "react";
import { t } from "@/i18n";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows, Page } from "@/ui/Page";
import type { RunScope } from "../api";
import { isFiltered, outcomeNames, outcomesOf, type RunFilters, withOutcomes } from "../model/filters";
import { Histogram } from "./Histogram";
import classes from "./RunsScreen.module.css";
import { RunTable } from "./RunTable";
import { TimeRange } from "./TimeRange";
import { useRunList } from "./useRunList";
import { outcomeLabel } from "./words";

type Props = { title: string; app: string | null; filters: RunFilters; onFilter: (filters: RunFilters) => void };

/** The list of runs with its filters, kept live. */
export function RunsScreen({ title, app, filters, onFilter }: Props) {
  const scope = useMemo<RunScope>(() => ({ app }), [app]);
  const search = useDebouncedCallback((text: string) => {
    const { text: _, ...rest } = filters;
    onFilter(text.trim() === "" ? rest : { ...rest, text });
  }, 250);
  return (
    <Page
      help="/help/reference/runs"
      title={title}
      asCode={null}
      toolbar={
        <>
          <TextInput
            aria-label={t("Search runs")}
            placeholder={t("Number, action, error")}
            leftSection={<IconSearch size={16} aria-hidden />}
            defaultValue={filters.text ?? ""}
            key={filters.text === undefined ? "empty" : "text"}
            onChange={(event) => search(event.currentTarget.value)}
            data-search
            w={180}
            size="xs"
          />
          <Chip.Group
            multiple
            value={outcomesOf(filters)}
            onChange={(chosen) => onFilter(withOutcomes(filters, chosen))}
          >
            <Group gap="xs" role="group" aria-label={t("State")}>
              {outcomeNames.map((name) => (
                <Chip key={name} value={name} size="xs" variant="outline">
                  {outcomeLabel(name)}
                </Chip>
              ))}
            </Group>
          </Chip.Group>
          <TimeRange filters={filters} onFilter={onFilter} />
        </>
      }
    >
      <Histogram scope={scope} filters={filters} onFilter={onFilter} />
      <List key={JSON.stringify([app, filters])} scope={scope} filters={filters} onFilter={onFilter} />
    </Page>
  );
}

function List({ scope, filters, onFilter }: { scope: RunScope } & Pick<Props, "filters" | "onFilter">) {
  const list = useRunList(scope, filters);
  if (list.error) return <ErrorPanel error={list.error} onRetry={() => list.refetch()} />;
  if (list.data === undefined) return <LoadingRows count={10} />;
  const fresh = list.fresh.length > 0 && (
    <Button variant="light" size="compact-sm" onClick={list.showFresh} className={classes.fresh}>
      {t("{count, plural, one {# new run: show it} other {# new runs: show them}}", { count: list.fresh.length })}
    </Button>
  );
  if (list.runs.length === 0 && !list.hasNextPage) {
    return (
      <>
        <div role="status">{fresh}</div>
        <NoRuns filters={filters} onFilter={onFilter} />
      </>
    );
  }
  return (
    <>
      <div role="status">{fresh}</div>
      {list.streamError !== null && (
        <Text size="sm" c="dimmed" mb="xs">
          {t("This list is not live at the moment; reload the page for what is new.")}
        </Text>
      )}
      <RunTable runs={list.runs} showsApp={scope.app === null} />
      {list.hasNextPage && (
        <Button variant="default" mt="sm" loading={list.isFetchingNextPage} onClick={() => list.fetchNextPage()}>
          {t("Older runs")}
        </Button>
      )}
    </>
  );
}

function NoRuns({ filters, onFilter }: Pick<Props, "filters" | "onFilter">) {
  if (!isFiltered(filters)) {
    return (
      <EmptyState title={t("No runs yet")}>
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
