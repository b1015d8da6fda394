import { Chip, Group, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import IconSearch from "@tabler/icons-react/icons/IconSearch";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { useCommands } from "@/commands/registry";
import { t } from "@/i18n";
import { runActionsQuery, runPeopleQuery } from "../api";
import { causes, outcomeNames, outcomesOf, type RunFilters, readFilters, withOutcomes } from "../model/filters";
import { TimeRange } from "./TimeRange";
import { causeLabel, outcomeLabel } from "./words";

type Props = { filters: RunFilters; onFilter: (filters: RunFilters) => void };

/** What of the runs is shown: state, action, who, cause, time, text. `Shift-F` leads here. */
export function Filters({ app, filters, onFilter }: Props & { app: string | null }) {
  const states = useRef<HTMLDivElement>(null);
  useCommands(
    useMemo(() => {
      const focus = () => states.current?.querySelector("input")?.focus();
      return [{ id: "filter runs", title: t("Filters"), group: t("Runs"), keys: "shift+f", run: focus }];
    }, []),
  );
  const search = useDebouncedCallback((text: string) => {
    const { text: _, ...rest } = filters;
    onFilter(text.trim() === "" ? rest : { ...rest, text });
  }, 250);
  return (
    <>
      <TextInput
        aria-label={t("Search runs")}
        placeholder={t("Number, action, error")}
        leftSection={<IconSearch size={16} aria-hidden />}
        defaultValue={filters.text ?? ""}
        key={filters.text === undefined ? "empty" : "text"}
        onChange={(event) => search(event.currentTarget.value)}
        data-search
        w={160}
        size="xs"
      />
      <Chip.Group multiple value={outcomesOf(filters)} onChange={(chosen) => onFilter(withOutcomes(filters, chosen))}>
        <Group gap="xs" role="group" aria-label={t("State")} ref={states}>
          {outcomeNames.map((name) => (
            <Chip key={name} value={name} size="xs" variant="outline">
              {outcomeLabel(name)}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
      {app !== null && <ActionFilter app={app} filters={filters} onFilter={onFilter} />}
      <PersonFilter filters={filters} onFilter={onFilter} />
      <CauseFilter filters={filters} onFilter={onFilter} />
      <TimeRange filters={filters} onFilter={onFilter} />
    </>
  );
}

function ActionFilter({ app, filters, onFilter }: Props & { app: string }) {
  const [isOpen, setOpen] = useState(false);
  const actions = useQuery({ ...runActionsQuery(useApi(), app), enabled: isOpen || filters.action !== undefined });
  const { action, ...rest } = filters;
  return (
    <Select
      {...chooser}
      aria-label={t("Action")}
      placeholder={t("Any action")}
      nothingFoundMessage={actions.isPending ? t("Loading") : t("No action is called so")}
      data={actions.data?.map(({ id, name }) => ({ value: String(id), label: name })) ?? []}
      value={action === undefined ? null : String(action)}
      onDropdownOpen={() => setOpen(true)}
      onChange={(chosen) => onFilter(readFilters({ ...rest, action: chosen ?? undefined }))}
    />
  );
}

function PersonFilter({ filters, onFilter }: Props) {
  const [isOpen, setOpen] = useState(false);
  const [typed, setTyped] = useState("");
  const search = useDebouncedCallback(setTyped, 250);
  const { user, ...rest } = filters;
  const isAsked = isOpen || user !== undefined;
  const people = useQuery({ ...runPeopleQuery(useApi(), useOrganization(), typed), enabled: isAsked });
  return (
    <Select
      {...chooser}
      aria-label={t("Who")}
      placeholder={t("Anybody")}
      nothingFoundMessage={people.isPending ? t("Loading") : t("No member is called so")}
      data={people.data?.map(({ user_id, name, email }) => ({ value: String(user_id), label: name || email })) ?? []}
      value={user === undefined ? null : String(user)}
      onDropdownOpen={() => setOpen(true)}
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
      aria-label={t("How it was begun")}
      placeholder={cause.length > 1 ? cause.map(causeLabel).join(", ") : t("Any cause")}
      nothingFoundMessage={t("Nothing is called so")}
      data={causes.map((name) => ({ value: name, label: causeLabel(name) }))}
      value={cause.length === 1 ? (cause[0] ?? null) : null}
      onChange={(chosen) => onFilter(readFilters({ ...rest, cause: chosen ?? undefined }))}
    />
  );
}

const chooser = { size: "xs", w: 120, clearable: true, searchable: true, comboboxProps: { width: 220 } } as const;
