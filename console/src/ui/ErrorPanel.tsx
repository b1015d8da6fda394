import { Alert, Button, Group, Text } from "@mantine/core";
import IconAlertCircle from "@tabler/icons-react/icons/IconAlertCircle";
import { ApiError, messageOf } from "@/api/errors";
import { t } from "@/i18n";
import { CopyButton } from "./CopyButton";

/** Stands in place of what failed: what was wrong, what would be right, a way to try again. */
export function ErrorPanel({ error, onRetry }: { error: unknown; onRetry?: (() => void) | undefined }) {
  const requestId = error instanceof ApiError ? error.requestId : null;
  return (
    <Alert
      color="red"
      variant="outline"
      icon={<IconAlertCircle aria-hidden />}
      title={t("This did not work")}
      role="alert"
    >
      <Text size="md">{messageOf(error)}</Text>
      <Group gap="xs" mt="xs">
        {onRetry !== undefined && (
          <Button variant="default" onClick={onRetry}>
            {t("Try again")}
          </Button>
        )}
        {requestId !== null && (
          <CopyButton value={`${messageOf(error)} (request ${requestId})`} label={t("Copy details")} />
        )}
      </Group>
    </Alert>
  );
}
