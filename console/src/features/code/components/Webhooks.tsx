import { Badge, Stack, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useApi } from "@/api/context";
import { t } from "@/i18n";
import { CopyButton } from "@/ui/CopyButton";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { HelpLink, LoadingRows } from "@/ui/Page";
import { Time } from "@/ui/Time";
import { type Action, webhooksQuery } from "../api";

/** The webhooks of an action, with their addresses. */
export function Webhooks({ app, action }: { app: number; action: Action }) {
  const webhooks = useQuery(webhooksQuery(useApi(), app));
  const own = webhooks.data?.filter((webhook) => webhook.action === action.id) ?? [];
  if (webhooks.isPending) return <LoadingRows count={3} />;
  if (webhooks.error) return <ErrorPanel error={webhooks.error} onRetry={() => webhooks.refetch()} />;
  if (own.length === 0) {
    return (
      <Stack gap="xs" align="flex-start">
        <Text c="dimmed">
          {t(
            "None. A webhook is an address that another service calls; each call starts the action with what was sent.",
          )}
        </Text>
        <HelpLink page="/help/webhooks" />
      </Stack>
    );
  }
  return (
    <Stack>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t("Webhook")}</Table.Th>
            <Table.Th>{t("Address")}</Table.Th>
            <Table.Th>{t("Calls")}</Table.Th>
            <Table.Th>{t("Last call")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {own.map((webhook) => (
            <Table.Tr key={webhook.id}>
              <Table.Td>
                {webhook.name} {!webhook.is_enabled && <Badge variant="outline">{t("off")}</Badge>}
              </Table.Td>
              <Table.Td>
                <Text size="sm" ff="monospace">
                  {webhook.url}
                </Text>
                <CopyButton value={webhook.url} label={t("Copy the address")} />
              </Table.Td>
              <Table.Td>{webhook.calls}</Table.Td>
              <Table.Td>{webhook.last_called_at === null ? t("never") : <Time at={webhook.last_called_at} />}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Stack>
  );
}
