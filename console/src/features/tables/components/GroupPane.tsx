import { Button, NativeSelect } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import type { Column, GridStore, Group, Value, Where } from "@/features/grid";
import { t } from "@/i18n";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows } from "@/ui/Page";
import { number } from "@/ui/time";
import classes from "./TablePage.module.css";

type GroupPaneProps = {
  store: GridStore;
  column: Column;
  /** The filter without the chosen group. */
  where: Where;
  /** The value of the chosen group; undefined: all. */
  chosen: Value | undefined;
  onChoose: (value: Value | undefined) => void;
};

/** Lists the values of a column with the number of rows that have each; one of them narrows the grid. */
export function GroupPane({ store, column, where, chosen, onChoose }: GroupPaneProps) {
  const { rows } = store;
  const groups = useInfiniteQuery({
    queryKey: ["groups", rows.app, rows.table.name, column.name, where],
    queryFn: async ({ pageParam, signal }) => {
      const page = await rows.groups(column.name, where, pageParam, signal);
      const ids = page.groups.flatMap(({ value }) => (typeof value === "string" ? [value] : []));
      return {
        ...page,
        labels: column.reference === null ? new Map() : await rows.labels(column.reference, ids, signal),
      };
    },
    initialPageParam: null as { value: Value } | null,
    getNextPageParam: (last) => last.next ?? undefined,
    staleTime: 0,
  });
  useCountedAgain(store, groups.refetch);
  const list =
    groups.data?.pages.flatMap((page) =>
      page.groups.map((group) => ({ ...group, name: page.labels.get(group.value) ?? nameOf(group, column) })),
    ) ?? [];
  return (
    <nav className={classes.groups} aria-label={t("Groups by {column}", { column: column.name })}>
      <button
        type="button"
        className={classes.group}
        aria-current={chosen === undefined}
        onClick={() => onChoose(undefined)}
      >
        {t("All")}
      </button>
      {groups.isPending && <LoadingRows />}
      {groups.error && <ErrorPanel error={groups.error} onRetry={() => groups.refetch()} />}
      {list.map((group) => (
        <button
          type="button"
          key={String(group.value)}
          className={classes.group}
          aria-current={isChosen(group, chosen)}
          onClick={() => onChoose(group.value)}
        >
          <bdi>{group.name}</bdi>
          <span className={classes.count}>{number(group.count)}</span>
        </button>
      ))}
      {groups.hasNextPage && (
        <Button variant="subtle" loading={groups.isFetchingNextPage} onClick={() => groups.fetchNextPage()}>
          {t("More groups")}
        </Button>
      )}
    </nav>
  );
}

/** Chooses the column of the groups. */
export function GroupChoice(props: {
  columns: readonly Column[];
  group: string | undefined;
  onGroup: (column: string | undefined) => void;
}) {
  const columns = props.columns.filter(({ type }) => type !== "json");
  return (
    <NativeSelect
      aria-label={t("Group by")}
      value={props.group ?? ""}
      className={classes.choice}
      data={[
        { value: "", label: t("No groups") },
        ...columns.map(({ name }) => ({ value: name, label: t("Group by {column}", { column: name }) })),
      ]}
      onChange={(event) => props.onGroup(event.currentTarget.value || undefined)}
    />
  );
}

function nameOf({ value }: Group, column: Column): string {
  if (value === null) return t("empty");
  if (value === "") return t("(empty text)");
  return column.type === "boolean" ? (value === true ? t("yes") : t("no")) : String(value);
}

function isChosen({ value }: Group, chosen: Value | undefined): boolean {
  return chosen !== undefined && (chosen === value || (value !== null && String(chosen) === String(value)));
}

/** Counts again when the rows have changed; the grid is told of that, by whomever. */
function useCountedAgain(store: GridStore, refetch: () => unknown): void {
  const version = useSyncExternalStore(store.subscribe, () => store.writes);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new version is the reason
  useEffect(() => {
    if (version > 0) refetch();
  }, [version]);
}
