import { List, Text } from "@mantine/core";
import { t } from "@/i18n";
import { Time } from "@/ui/Time";
import { timeIn } from "@/ui/time";
import type { Forecast } from "../api";

/** The next times of a schedule by the clock of its zone, which is named. */
export function NextTimes({ times, zone }: { times: Forecast["next_times"]; zone: string }) {
  return (
    <>
      <List type="ordered" size="sm" aria-label={t("Next times")}>
        {times.map(({ at }) => (
          <List.Item key={at}>
            {timeIn(at, zone)}, <Time at={at} />
          </List.Item>
        ))}
      </List>
      <Text size="xs" c="dimmed">
        {t("By the clock of {zone}.", { zone })}
      </Text>
    </>
  );
}
