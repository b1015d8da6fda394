import { Stack, Text, Title } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { RecentRuns } from "@/features/runs";
import { t } from "@/i18n";
import type { Action } from "../api";
import type { OpenSchedule } from "../routes";
import { Schedules } from "./Schedules";
import { Webhooks } from "./Webhooks";

type Props = {
  app: { id: number; slug: string };
  action: Action;
  canBuild: boolean;
  schedule: OpenSchedule | undefined;
  onSchedule: (schedule: OpenSchedule | undefined) => void;
};

const causes = ["schedule", "webhook"] as const;

/** What starts an action besides a person: its schedules and webhooks, and the runs that they started. */
export function Triggers({ app, action, canBuild, schedule, onSchedule }: Props) {
  const cache = useQueryClient();
  const refresh = useCallback(() => {
    void cache.invalidateQueries({ queryKey: ["schedules", action.id] });
    void cache.invalidateQueries({ queryKey: ["webhooks", app.id] });
  }, [cache, action.id, app.id]);
  return (
    <Stack gap="xl">
      <section aria-label={t("Schedules")}>
        <Title order={2} size="h4">
          {t("Schedules")}
        </Title>
        <Schedules app={app.id} action={action} canBuild={canBuild} open={schedule} onOpen={onSchedule} />
      </section>
      <section aria-label={t("Webhooks")}>
        <Title order={2} size="h4">
          {t("Webhooks")}
        </Title>
        {canBuild ? (
          <Webhooks app={app.id} action={action} />
        ) : (
          <Text c="dimmed">{t("Builders and owners of the organization see the addresses of webhooks.")}</Text>
        )}
      </section>
      <section aria-label={t("Started by these")}>
        <Title order={2} size="h4">
          {t("Started by these")}
        </Title>
        <RecentRuns app={app.slug} action={action.id} causes={causes} onChange={refresh} />
      </section>
    </Stack>
  );
}
