import { Button, Modal, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useApi, useOrganization } from "@/api/context";
import { appQuery } from "@/features/apps";
import { t } from "@/i18n";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows } from "@/ui/Page";
import { actionsQuery } from "../api";

type Props = { app: string; table: string; rows: readonly string[]; onClose: () => void };

/** Asks which action shall get the rows, and opens its form with them. */
export function RunWithRows({ app, table, rows, onClose }: Props) {
  const api = useApi();
  const org = useOrganization();
  const navigate = useNavigate();
  const of = useQuery(appQuery(api, app));
  const actions = useQuery({ ...actionsQuery(api, of.data?.id ?? 0), enabled: of.data !== undefined });
  const error = of.error ?? actions.error;
  const open = (action: string) =>
    void navigate({
      to: "/$org/$app/actions/$action",
      params: { org, app, action },
      state: (before) => ({ ...before, selectedRows: { table, ids: rows } }),
    });
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("Run an action with {rows, plural, one {# row} other {# rows}}", { rows: rows.length })}
    >
      <Stack gap="sm">
        <Text size="sm">{t("Its form opens with these rows; you start it there.")}</Text>
        {error && <ErrorPanel error={error} onRetry={() => (of.error ? of.refetch() : actions.refetch())} />}
        {!error && actions.data === undefined && <LoadingRows count={3} />}
        {actions.data?.length === 0 && (
          <EmptyState title={t("This app has no action yet")}>{t("Code, New action makes one.")}</EmptyState>
        )}
        {actions.data?.map(({ id, slug, name }) => (
          <Button key={id} variant="default" justify="start" onClick={() => open(slug)}>
            <bdi>{name}</bdi>
          </Button>
        ))}
      </Stack>
    </Modal>
  );
}
