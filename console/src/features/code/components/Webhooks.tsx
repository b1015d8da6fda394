import { Badge, Button, Group, Stack, Table, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useApi } from "@/api/context";
import { t } from "@/i18n";
import { ConfirmModal } from "@/ui/ConfirmModal";
import { CopyButton } from "@/ui/CopyButton";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { FormError } from "@/ui/FormError";
import { HelpLink, LoadingRows } from "@/ui/Page";
import { Time } from "@/ui/Time";
import { type Action, deleteWebhook, renewWebhook, switchWebhook, type Webhook, webhooksQuery } from "../api";
import { WebhookForm } from "./WebhookForm";

/** The webhooks of an action with their addresses, and a form for a new one. */
export function Webhooks({ app, action }: { app: number; action: Action }) {
  const webhooks = useQuery(webhooksQuery(useApi(), app));
  const [isMaking, setMaking] = useState(false);
  const own = webhooks.data?.filter((webhook) => webhook.action === action.id) ?? [];
  if (webhooks.isPending) return <LoadingRows count={3} />;
  if (webhooks.error) return <ErrorPanel error={webhooks.error} onRetry={() => webhooks.refetch()} />;
  return (
    <Stack gap="sm">
      {own.length === 0 ? (
        <Text c="dimmed">
          {t(
            "None. A webhook is an address that another service calls; each call starts the action with what was sent.",
          )}
        </Text>
      ) : (
        <Table.ScrollContainer minWidth={640}>
          <Table verticalSpacing="sm">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("Webhook")}</Table.Th>
                <Table.Th>{t("Address")}</Table.Th>
                <Table.Th>{t("Calls")}</Table.Th>
                <Table.Th>{t("Last call")}</Table.Th>
                <Table.Td />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {own.map((webhook) => (
                <Row key={webhook.id} webhook={webhook} />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <Group>
        <Button variant="default" onClick={() => setMaking(true)}>
          {t("New webhook")}
        </Button>
        <HelpLink page="/help/webhooks" />
      </Group>
      {isMaking && <WebhookForm app={app} action={action} onClose={() => setMaking(false)} />}
    </Stack>
  );
}

function Row({ webhook }: { webhook: Webhook }) {
  const api = useApi();
  const cache = useQueryClient();
  const [asked, setAsked] = useState<"renew" | "delete" | null>(null);
  const refresh = () => cache.invalidateQueries({ queryKey: ["webhooks", webhook.app] });
  const switching = useMutation({ mutationFn: () => switchWebhook(api, webhook), onSettled: refresh });
  const { name } = webhook;
  return (
    <Table.Tr>
      <Table.Td>
        <bdi>{name}</bdi>{" "}
        {!webhook.is_enabled && (
          <Badge variant="outline" color="gray">
            {t("paused")}
          </Badge>
        )}
        <Text size="xs" c="dimmed">
          {webhook.verification.kind === "none"
            ? t("for whoever knows the address")
            : t("only for calls that are signed")}
        </Text>
      </Table.Td>
      <Table.Td>
        <Group gap="xs" wrap="nowrap">
          <Text size="xs" ff="monospace" truncate maw="20rem" title={webhook.url}>
            {webhook.url}
          </Text>
          <CopyButton value={webhook.url} />
        </Group>
      </Table.Td>
      <Table.Td>{webhook.calls}</Table.Td>
      <Table.Td>{webhook.last_called_at === null ? t("never") : <Time at={webhook.last_called_at} />}</Table.Td>
      <Table.Td>
        <Group gap="xs" wrap="nowrap" justify="flex-end">
          <Button size="compact-sm" variant="default" loading={switching.isPending} onClick={() => switching.mutate()}>
            {webhook.is_enabled ? t("Pause") : t("Resume")}
          </Button>
          <Button size="compact-sm" variant="default" onClick={() => setAsked("renew")}>
            {t("New address")}
          </Button>
          <Button size="compact-sm" variant="default" onClick={() => setAsked("delete")}>
            {t("Delete")}
          </Button>
        </Group>
        <FormError error={switching.error} />
        {asked === "renew" && (
          <ConfirmModal
            title={t("New address for {name}", { name })}
            doLabel={t("Give it a new address")}
            act={() => renewWebhook(api, webhook).then(refresh)}
            onClose={() => setAsked(null)}
          >
            <Text size="sm">{t("The old address stops working at once: give the new one to who calls it.")}</Text>
          </ConfirmModal>
        )}
        {asked === "delete" && (
          <ConfirmModal
            title={t("Delete the webhook {name}", { name })}
            doLabel={t("Delete webhook")}
            act={() => deleteWebhook(api, webhook).then(refresh)}
            onClose={() => setAsked(null)}
          >
            <Text size="sm">{t("Its address stops working; the runs that it started stay.")}</Text>
          </ConfirmModal>
        )}
      </Table.Td>
    </Table.Tr>
  );
}
