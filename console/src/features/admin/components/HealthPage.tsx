import { Button, Group, Table, Text } from "@mantine/core";
import IconRefresh from "@tabler/icons-react/icons/IconRefresh";
import { useQuery } from "@tanstack/react-query";
import { Navigate } from "@tanstack/react-router";
import { useApi } from "@/api/context";
import { ApiError } from "@/api/errors";
import { t } from "@/i18n";
import { AsCode } from "@/ui/AsCode";
import { CopyButton } from "@/ui/CopyButton";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { OutsidePage } from "@/ui/OutsidePage";
import { LoadingRows } from "@/ui/Page";
import { SettingsPage, SettingsSection } from "@/ui/SettingsPage";
import { Time } from "@/ui/Time";
import { bytes, duration, number } from "@/ui/time";
import { type Health, healthQuery } from "../api";
import { reportOf } from "../model/checks";
import { CheckList } from "./CheckList";

/** How the installation does, for who runs it: what is wrong comes first, with what mends it. */
export function HealthPage() {
  const health = useQuery(healthQuery(useApi()));
  const status = health.error instanceof ApiError ? health.error.status : null;
  if (status === 401) return <Navigate to="/sign-in" search={{ next: "/admin/health" }} replace />;
  const actions = (
    <Group gap="xs">
      {health.data && (
        <CopyButton
          label={t("Copy report")}
          value={reportOf(health.data, new Date(health.dataUpdatedAt).toISOString())}
        />
      )}
      <Button
        variant="default"
        leftSection={<IconRefresh size={16} aria-hidden />}
        loading={health.isFetching}
        onClick={() => health.refetch()}
      >
        {t("Check again")}
      </Button>
    </Group>
  );
  return (
    <OutsidePage>
      <SettingsPage
        title={t("Health of the installation")}
        help="/help/self-hosting"
        asCode={<AsCode reads="/api/admin/health/" />}
        actions={actions}
      >
        {health.isPending && <LoadingRows />}
        {status === 403 && (
          <EmptyState title={t("This page is for the operators of the installation")}>
            {t("Your account is no operator's. Whoever runs the installation can make you one.")}
          </EmptyState>
        )}
        {health.error && status !== 403 && <ErrorPanel error={health.error} onRetry={() => health.refetch()} />}
        {health.data && <Report health={health.data} />}
      </SettingsPage>
    </OutsidePage>
  );
}

function Report({ health }: { health: Health }) {
  const { queue, storage, versions } = health;
  return (
    <>
      <SettingsSection title={t("Checks")}>
        <CheckList health={health} />
      </SettingsSection>
      <SettingsSection title={t("Runners")} description={t("Those that were there within the last day.")}>
        <Runners health={health} />
      </SettingsSection>
      <SettingsSection title={t("Queue of runs")}>
        <Facts
          label={t("Queue of runs")}
          facts={[
            [t("Waiting"), queue.waiting >= 10_000 ? t("10,000 or more") : number(queue.waiting)],
            [t("Under way"), number(queue.held)],
            [
              t("The oldest waits for"),
              queue.oldest_waiting_seconds === null ? t("none waits") : duration(queue.oldest_waiting_seconds),
            ],
          ]}
        />
      </SettingsSection>
      <SettingsSection title={t("Versions and storage")}>
        <Facts
          label={t("Versions and storage")}
          facts={[
            ["automio", versions.automio ?? "?"],
            ["PostgreSQL", versions.postgresql ?? "?"],
            ["Python", versions.python ?? "?"],
            [t("Isolation that is configured"), health.configured_isolation],
            [t("Database"), bytes(storage.database_bytes)],
            [
              t("Application files"),
              storage.files_free_bytes === null || storage.files_total_bytes === null
                ? t("in a store elsewhere")
                : t("{free} of {total} free", {
                    free: bytes(storage.files_free_bytes),
                    total: bytes(storage.files_total_bytes),
                  }),
            ],
          ]}
        />
      </SettingsSection>
    </>
  );
}

function Runners({ health: { runners } }: { health: Health }) {
  if (runners.length === 0) return <Text c="dimmed">{t("None was there.")}</Text>;
  return (
    <Table.ScrollContainer minWidth={480}>
      <Table aria-label={t("Runners")}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{t("Name")}</Table.Th>
            <Table.Th scope="col">{t("State")}</Table.Th>
            <Table.Th scope="col">{t("Isolation")}</Table.Th>
            <Table.Th scope="col">{t("Works on")}</Table.Th>
            <Table.Th scope="col">{t("Last seen")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {runners.map((runner) => (
            <Table.Tr key={runner.id}>
              <Table.Td>
                <bdi>{runner.id}</bdi>
              </Table.Td>
              <Table.Td>{runner.is_present ? t("present") : t("absent")}</Table.Td>
              <Table.Td>{runner.isolation}</Table.Td>
              <Table.Td>
                {runner.slots === null
                  ? number(runner.held)
                  : t("{held} of {slots}", { held: number(runner.held), slots: number(runner.slots) })}
              </Table.Td>
              <Table.Td>
                <Time at={runner.seen_at} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Facts({ label, facts }: { label: string; facts: readonly (readonly [string, string])[] }) {
  return (
    <Table aria-label={label}>
      <Table.Tbody>
        {facts.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th scope="row" w="50%">
              {name}
            </Table.Th>
            <Table.Td>{value}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
