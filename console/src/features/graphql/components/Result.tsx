import { Alert, Badge, Button, Group, Loader, Text } from "@mantine/core";
import IconDownload from "@tabler/icons-react/icons/IconDownload";
import { useMemo } from "react";
import { parseExact } from "@/api/exact";
import { isRecord } from "@/api/graphql";
import { t } from "@/i18n";
import { download } from "@/ui/download";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { JsonTree } from "@/ui/JsonTree";
import { bytes, duration } from "@/ui/time";
import type { Execution } from "../model/use-execution";
import classes from "./ApiPage.module.css";

/** A larger answer is not read into a tree: the page would stand still for seconds. */
const maxShown = 10_000_000;

/** What came back, as a tree that opens level by level. */
export function Result({ execution, onStop }: { execution: Execution | undefined; onStop: () => void }) {
  const text = execution?.text ?? null;
  const value = useMemo(() => (text === null || text.length > maxShown ? null : readJson(text)), [text]);
  if (execution === undefined) {
    return <Text c="dimmed">{t("Run a query with Ctrl-Enter; its answer comes here.")}</Text>;
  }
  const { state, milliseconds, received, error, reason } = execution;
  const errors = isRecord(value) && Array.isArray(value.errors) ? value.errors : [];
  return (
    <>
      <Group gap="xs" mb="xs" role="status">
        {state === "running" && <Loader size="xs" aria-label={t("The query runs")} />}
        {state === "live" && <Badge>{t("Live")}</Badge>}
        {received > 0 && (
          <Text size="sm">{t("{count, plural, one {# answer} other {# answers}}", { count: received })}</Text>
        )}
        {milliseconds !== null && <Text size="sm">{duration(milliseconds / 1000)}</Text>}
        {text !== null && <Text size="sm">{bytes(text.length)}</Text>}
        {state !== "ended" && (
          <Button size="compact-sm" variant="default" onClick={onStop}>
            {t("Stop")}
          </Button>
        )}
        {state === "ended" && text === null && !error && <Text size="sm">{t("Stopped")}</Text>}
        {text !== null && (
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconDownload size={14} aria-hidden />}
            onClick={() => download("answer.json", text)}
          >
            {t("Download")}
          </Button>
        )}
      </Group>
      {error !== null && <ErrorPanel error={error} />}
      {reason !== null && (
        <Alert color="orange" role="alert" mb="xs">
          {t("The subscription ended: {reason}", { reason })}
        </Alert>
      )}
      {errors.map((one: unknown, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: an answer does not change
        <Alert key={index} color="red" variant="outline" role="alert" mb="xs" className={classes.fault}>
          {isRecord(one) ? String(one.message) : String(one)}
        </Alert>
      ))}
      {text !== null && text.length > maxShown && (
        <Text>{t("The answer is too large to be shown here. Download it, or ask for fewer rows.")}</Text>
      )}
      {value !== null && <JsonTree key={received} value={value} label={t("Answer")} levels={4} />}
    </>
  );
}

function readJson(text: string): unknown {
  try {
    return parseExact(text);
  } catch {
    return text;
  }
}
