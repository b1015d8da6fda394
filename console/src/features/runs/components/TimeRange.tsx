import { Button, Select } from "@mantine/core";
import { t } from "@/i18n";
import { absoluteTime } from "@/ui/time";
import type { RunFilters } from "../model/filters";

const hour = 3_600_000;
const ranges = [
  { value: "1", label: () => t("Last hour") },
  { value: "24", label: () => t("Last 24 hours") },
  { value: "168", label: () => t("Last 7 days") },
] as const;

type Props = { filters: RunFilters; onFilter: (filters: RunFilters) => void };

/** Chooses since when; a range that was chosen in the histogram is shown with its ends. */
export function TimeRange({ filters, onFilter }: Props) {
  const { from, to, ...rest } = filters;
  if (from !== undefined || to !== undefined) {
    const shown = [from, to].map((time) => (time === undefined ? "…" : absoluteTime(time)));
    return (
      <Button
        variant="light"
        size="compact-sm"
        onClick={() => onFilter(rest)}
        aria-label={t("Clear the time: {range}", { range: shown.join(" – ") })}
      >
        {shown.join(" – ")} ×
      </Button>
    );
  }
  return (
    <Select
      aria-label={t("Time")}
      size="xs"
      w={120}
      searchable
      comboboxProps={{ width: 220 }}
      nothingFoundMessage={t("No time is called so")}
      placeholder={t("Any time")}
      data={ranges.map(({ value, label }) => ({ value, label: label() }))}
      value={null}
      onChange={(hours) => {
        if (hours !== null) onFilter({ ...rest, from: new Date(Date.now() - Number(hours) * hour).toISOString() });
      }}
    />
  );
}
