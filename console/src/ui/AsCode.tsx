import { Button, Modal, NativeSelect, Stack, Tabs, Text } from "@mantine/core";
import IconTerminal2 from "@tabler/icons-react/icons/IconTerminal2";
import { useMemo, useState, useSyncExternalStore } from "react";
import { type Done, doneRequests, onDone } from "@/api/done";
import { t } from "@/i18n";
import classes from "./AsCode.module.css";
import { CopyButton } from "./CopyButton";
import { readingSnippets, requestSnippets } from "./request-snippets";
import { clockTime } from "./time";

/** What a screen does, for one language. The token is `APP_TOKEN` of the environment, never a real one. */
export type Snippet = {
  language: "curl" | "Python" | "JavaScript" | "GraphQL" | "SQL" | "Hasura metadata";
  code: string;
};

type AsCodeProps = {
  title?: string;
  /** How a program does what this screen does; made when it is asked for. Without it, only what was done is shown. */
  snippets?: () => readonly Snippet[];
  /** In place of `snippets`: the path of the API that this screen reads. */
  reads?: string;
  size?: "xs" | "sm";
};

type Own = { label: string; snippets: readonly Snippet[] };

/** Shows how a program does what this screen does, and what was just done by hand in this tab. */
export function AsCode({ title = t("What is done here, as a program"), snippets, reads, size = "sm" }: AsCodeProps) {
  const [isOpen, setOpen] = useState(false);
  const [own, setOwn] = useState<Own | null>(null);
  const open = () => {
    if (snippets !== undefined) setOwn({ label: title, snippets: snippets() });
    else if (reads !== undefined) setOwn({ label: t("Read what this screen shows"), snippets: readingSnippets(reads) });
    setOpen(true);
  };
  return (
    <>
      <Button variant="default" size={size} leftSection={<IconTerminal2 size={16} aria-hidden />} onClick={open}>
        {t("As code")}
      </Button>
      <Modal opened={isOpen} onClose={() => setOpen(false)} title={title} size="xl">
        {isOpen && <Programs own={own} />}
      </Modal>
    </>
  );
}

function Programs({ own }: { own: Own | null }) {
  const done = useSyncExternalStore(onDone, doneRequests);
  // Null: what the screen itself does; where it does nothing, the newest thing that was done.
  const [picked, setPicked] = useState<Done | null>(null);
  const chosen = picked ?? (own === null ? (done[0] ?? null) : null);
  const snippets = useMemo(() => (chosen === null ? (own?.snippets ?? []) : requestSnippets(chosen)), [chosen, own]);
  if (own === null && chosen === null) {
    return (
      <Text size="sm">{t("Nothing was changed in this tab yet. What you do by hand is shown here as a program.")}</Text>
    );
  }
  const choices = [
    ...(own === null ? [] : [{ value: "own", label: own.label }]),
    ...done.map(({ id, at, label }) => ({
      value: String(id),
      label: t("Done at {time}: {what}", { time: clockTime(at), what: label }),
    })),
  ];
  return (
    <Stack gap="sm">
      <Text size="sm">{t("Put a token of yours into the environment as APP_TOKEN; Settings, Tokens makes one.")}</Text>
      {choices.length > 1 && (
        <NativeSelect
          label={t("What the program does")}
          value={chosen === null ? "own" : String(chosen.id)}
          onChange={({ currentTarget: { value } }) => setPicked(done.find(({ id }) => String(id) === value) ?? null)}
          data={choices}
        />
      )}
      <Tabs key={chosen?.id ?? "own"} defaultValue={snippets[0]?.language ?? null} keepMounted={false}>
        <Tabs.List>
          {snippets.map(({ language }) => (
            <Tabs.Tab key={language} value={language}>
              {language}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {snippets.map(({ language, code }) => (
          <Tabs.Panel key={language} value={language}>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and a keyboard has to reach it */}
            <pre className={classes.code} tabIndex={0} dir="ltr">
              {code}
            </pre>
            <CopyButton value={code} />
          </Tabs.Panel>
        ))}
      </Tabs>
    </Stack>
  );
}
