import { Group, SegmentedControl, Text } from "@mantine/core";
import { useState } from "react";
import { t } from "@/i18n";
import { ClientInstallation } from "@/ui/ClientInstallation";
import { CopyButton } from "@/ui/CopyButton";
import { readVariables } from "../model/operations";
import { type Language, languages, snippetOf } from "../model/snippets";
import type { Tab } from "../model/tabs";
import classes from "./ApiPage.module.css";

/** The query in the editor as a program, in the language of whoever wants it elsewhere. */
export function Snippets({ tab, app, table }: { tab: Tab; app: number; table: string }) {
  const [language, setLanguage] = useState<Language>("automio");
  const variables = readVariables(tab.variables) ?? {};
  const snippet = snippetOf(language, { query: tab.query, variables, origin: window.location.origin, app, table });
  const names = { automio: "automio", gql: "gql", curl: "curl", javascript: "JavaScript" };
  return (
    <>
      <Group mb="xs" gap="xs">
        <SegmentedControl
          aria-label={t("Language")}
          value={language}
          data={languages.map((value) => ({ value, label: names[value] }))}
          onChange={setLanguage}
        />
        <CopyButton value={snippet} />
      </Group>
      <Text size="sm" c="dimmed" mb="xs">
        {t("APP_TOKEN is a token of Settings → Tokens; the automio client reads it from .env.")}
      </Text>
      <section aria-label={t("Program")}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached with the keyboard */}
        <pre className={classes.snippet} tabIndex={0}>
          {snippet}
        </pre>
      </section>
      {language === "automio" && <ClientInstallation />}
    </>
  );
}
