import { Button, Modal, NativeSelect, Stack, Tabs, Text } from "@mantine/core";
import IconTerminal2 from "@tabler/icons-react/icons/IconTerminal2";
import { useState } from "react";
import { doneRequests } from "@/api/done";
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

type Choice = { label: string; snippets: readonly Snippet[] };

/** Shows how a program does what this screen does, and what was just done by hand in this tab. */
export function AsCode({ title = t("What is done here, as a program"), snippets, reads, size = "sm" }: AsCodeProps) {
  const [choices, setChoices] = useState<readonly Choice[] | null>(null);
  const open = () => {
    const own = snippets === undefined ? [] : [{ label: title, snippets: snippets() }];
    if (reads !== undefined) own.push({ label: t("Read what this screen shows"), snippets: readingSnippets(reads) });
    const done = doneRequests().map((request) => ({
      label: t("Done at {time}: {what}", { time: clockTime(request.at), what: request.label }),
      snippets: requestSnippets(request),
    }));
    setChoices([...own, ...done]);
  };
  return (
    <>
      <Button variant="default" size={size} leftSection={<IconTerminal2 size={16} aria-hidden />} onClick={open}>
        {t("As code")}
      </Button>
      <Modal opened={choices !== null} onClose={() => setChoices(null)} title={title} size="xl">
        {choices !== null && <Programs choices={choices} />}
      </Modal>
    </>
  );
}

function Programs({ choices }: { choices: readonly Choice[] }) {
  const [chosen, setChosen] = useState(0);
  const { snippets } = choices[chosen] ?? { snippets: [] };
  if (choices.length === 0) {
    return (
      <Text size="sm">{t("Nothing was changed in this tab yet. What you do by hand is shown here as a program.")}</Text>
    );
  }
  return (
    <Stack gap="sm">
      <Text size="sm">{t("Put a token of yours into the environment as APP_TOKEN; Settings, Tokens makes one.")}</Text>
      {choices.length > 1 && (
        <NativeSelect
          label={t("What the program does")}
          value={chosen}
          onChange={(event) => setChosen(Number(event.currentTarget.value))}
          data={choices.map(({ label }, index) => ({ value: String(index), label }))}
        />
      )}
      <Tabs key={chosen} defaultValue={snippets[0]?.language ?? null} keepMounted={false}>
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
