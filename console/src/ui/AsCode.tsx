import { Button, Modal, Stack, Tabs, Text } from "@mantine/core";
import IconTerminal2 from "@tabler/icons-react/icons/IconTerminal2";
import { useState } from "react";
import { t } from "@/i18n";
import classes from "./AsCode.module.css";
import { CopyButton } from "./CopyButton";

/** What a screen does, for one language. The token is `APP_TOKEN` of the environment, never a real one. */
export type Snippet = {
  language: "curl" | "Python" | "JavaScript" | "GraphQL" | "SQL" | "Hasura metadata";
  code: string;
};

type AsCodeProps = { snippets: () => readonly Snippet[]; title: string; size?: "xs" | "sm" };

/** Shows how a program does what this screen does. Snippets are made when it is opened. */
export function AsCode({ snippets, title, size = "sm" }: AsCodeProps) {
  const [shown, setShown] = useState<readonly Snippet[] | null>(null);
  return (
    <>
      <Button
        variant="default"
        size={size}
        leftSection={<IconTerminal2 size={16} aria-hidden />}
        onClick={() => setShown(snippets())}
      >
        {t("As code")}
      </Button>
      <Modal opened={shown !== null} onClose={() => setShown(null)} title={title} size="xl">
        <Stack gap="sm">
          <Text size="sm">
            {t("Put a token of yours into the environment as APP_TOKEN; Settings, Tokens makes one.")}
          </Text>
          <Tabs defaultValue={shown?.[0]?.language ?? null} keepMounted={false}>
            <Tabs.List>
              {shown?.map(({ language }) => (
                <Tabs.Tab key={language} value={language}>
                  {language}
                </Tabs.Tab>
              ))}
            </Tabs.List>
            {shown?.map(({ language, code }) => (
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
      </Modal>
    </>
  );
}
