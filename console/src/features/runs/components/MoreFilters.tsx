import { Button, Popover, Select, Stack } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import IconFilter from "@tabler/icons-react/icons/IconFilter";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { t } from "@/i18n";
import { runActionsQuery, runPeopleQuery } from "../api";
import { causes, type RunFilters, readFilters } from "../model/filters";
import { causeLabel } from "./words";

type Props = { filters: RunFilters; onFilter: (filters: RunFilters) => void };

/** The filters that are needed now and then: whose runs, how they were begun, of which action. Says how many are set. */
export function MoreFilters({ app, filters, onFilter }: Props & { app: string | null }) {
  const { user, cause, action, ...rest } = filters;
  const count = [user, cause, action].filter((filter) => filter !== undefined).length;
  return (
    <>
      <Popover width={260} position="bottom-start" trapFocus returnFocus>
        <Popover.Target>
          <Button
            size="xs"
            variant={count > 0 ? "light" : "default"}
            leftSection={<IconFilter size={16} aria-hidden />}
          >
            {count > 0 ? t("More filters: {count}", { count }) : t("More filters")}
          </Button>
        </Popover.Target>
        <Popover.Dropdown>
          <Stack gap="sm">
            {app !== null && <ActionFilter app={app} filters={filters} onFilter={onFilter} />}
            <PersonFilter filters={filters} onFilter={onFilter} />
            <CauseFilter filters={filters} onFilter={onFilter} />
          </Stack>
        </Popover.Dropdown>
      </Popover>
      {count > 0 && (
        <Button size="compact-xs" variant="subtle" onClick={() => onFilter(rest)}>
          {t("Clear these")}
        </Button>
      )}
    </>
  );
}

function ActionFilter({ app, filters, onFilter }: Props & { app: string }) {
  const actions = useQuery(runActionsQuery(useApi(), app));
  const { action, ...rest } = filters;
  return (
    <Select
      {...chooser}
      label={t("Action")}
      placeholder={t("Any action")}
      nothingFoundMessage={actions.isPending ? t("Loading") : t("No action is called so")}
      data={actions.data?.map(({ id, name }) => ({ value: String(id), label: name })) ?? []}
      value={action === undefined ? null : String(action)}
      onChange={(chosen) => onFilter(readFilters({ ...rest, action: chosen ?? undefined }))}
    />
  );
}

function PersonFilter({ filters, onFilter }: Props) {
  const [typed, setTyped] = useState("");
  const search = useDebouncedCallback(setTyped, 250);
  const { user, ...rest } = filters;
  const people = useQuery(runPeopleQuery(useApi(), useOrganization(), typed));
  return (
    <Select
      {...chooser}
      label={t("Who")}
      placeholder={t("Anybody")}
      nothingFoundMessage={people.isPending ? t("Loading") : t("No member is called so")}
      data={people.data?.map(({ user_id, name, email }) => ({ value: String(user_id), label: name || email })) ?? []}
      value={user === undefined ? null : String(user)}
      onDropdownClose={() => setTyped("")}
      onSearchChange={search}
      onChange={(chosen) => onFilter(readFilters({ ...rest, user: chosen ?? undefined }))}
    />
  );
}

function CauseFilter({ filters, onFilter }: Props) {
  const { cause = [], ...rest } = filters;
  return (
    <Select
      {...chooser}
      label={t("How it was begun")}
      placeholder={cause.length > 1 ? cause.map(causeLabel).join(", ") : t("Any cause")}
      nothingFoundMessage={t("Nothing is called so")}
      data={causes.map((name) => ({ value: name, label: causeLabel(name) }))}
      value={cause.length === 1 ? (cause[0] ?? null) : null}
      onChange={(chosen) => onFilter(readFilters({ ...rest, cause: chosen ?? undefined }))}
    />
  );
}

// Within the pop-over: a click on an option is not one outside of it.
const chooser = {
  size: "xs",
  clearable: true,
  searchable: true,
  // The first has the focus when they are shown: its options would lie over the next.
  openOnFocus: false,
  comboboxProps: { withinPortal: false },
} as const;
