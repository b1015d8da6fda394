import { Button, Group, Textarea } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useApi } from "@/api/context";
import { isRecord } from "@/api/graphql";
import { useFormDraft } from "@/api/use-draft";
import { useUserId } from "@/features/accounts";
import { t } from "@/i18n";
import { DraftNotice } from "@/ui/DraftNotice";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { JsonTree } from "@/ui/JsonTree";
import { type RunDetail, rerunWith } from "../api";

type Props = { run: RunDetail; onRun: (id: number) => void };

/** Shows what a run was given, and runs its action again with something else. */
export function RunInput({ run, onRun }: Props) {
  const [text, setText] = useState<string | null>(null);
  const api = useApi();
  const initial = useMemo(() => JSON.stringify(run.event, null, 2), [run.event]);
  const draft = useFormDraft(useUserId(), `rerun/${run.id}`, {
    values: { text: text ?? initial },
    apply: (kept) => setText(kept.text),
  });
  const repeating = useMutation({
    mutationFn: (event: Record<string, unknown>) => rerunWith(api, run.id, event),
    onSuccess: (started) => {
      draft.done();
      onRun(started.id);
    },
  });
  if (text === null) {
    return (
      <>
        <div>
          <Button size="compact-sm" variant="default" onClick={() => setText(initial)}>
            {t("Run again with other input")}
          </Button>
        </div>
        <JsonTree value={run.event} label={t("Input")} />
      </>
    );
  }
  const event = readObject(text);
  return (
    <form
      onSubmit={(submitted) => {
        submitted.preventDefault();
        if (event !== null) repeating.mutate(event);
      }}
    >
      <DraftNotice resumedAt={draft.resumedAt} onDiscard={draft.discard} />
      <Textarea
        label={t("Input as JSON")}
        description={t("The whole event; the newest version of the action gets it.")}
        autosize
        minRows={6}
        maxRows={24}
        spellCheck={false}
        value={text}
        error={event === null && t("must be one JSON object, such as {example}", { example: '{"rows": 100}' })}
        onChange={(changed) => setText(changed.currentTarget.value)}
      />
      {repeating.error && <ErrorPanel error={repeating.error} />}
      <Group gap="xs" mt="sm">
        <Button type="submit" disabled={event === null} loading={repeating.isPending}>
          {t("Run")}
        </Button>
        <Button
          variant="default"
          onClick={() => {
            draft.discard();
            setText(null);
          }}
        >
          {t("Cancel")}
        </Button>
      </Group>
    </form>
  );
}

function readObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}
