import { Chip, Group, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import IconSearch from "@tabler/icons-react/icons/IconSearch";
import { useMemo, useRef } from "react";
import { useCommands } from "@/commands/registry";
import { t } from "@/i18n";
import { outcomeNames, outcomesOf, type RunFilters, withOutcomes } from "../model/filters";
import { MoreFilters } from "./MoreFilters";
import { TimeRange } from "./TimeRange";
import { outcomeLabel } from "./words";

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
      <TimeRange filters={filters} onFilter={onFilter} />
      <MoreFilters app={app} filters={filters} onFilter={onFilter} />
    </>
  );
}
