import { json } from "@codemirror/lang-json";
import type { EditorView } from "@codemirror/view";
import { Alert, Button, Group, Tabs as Panels, VisuallyHidden } from "@mantine/core";
import IconPlayerPlay from "@tabler/icons-react/icons/IconPlayerPlay";
import IconSparkles from "@tabler/icons-react/icons/IconSparkles";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { graphql as graphqlLanguage, updateSchema } from "cm6-graphql";
import { useCallback, useId, useMemo, useRef, useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { schemaQuery } from "@/api/graphql-schema";
import type { As } from "@/api/viewing";
import { type Command, useCommands } from "@/commands/registry";
import { t } from "@/i18n";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows } from "@/ui/Page";
import { historyQuery, keepHistory } from "../api";
import { withRun } from "../model/history";
import { operationAt, prettified, readVariables } from "../model/operations";
import { type Tab, useTabs } from "../model/tabs";
import { useExecutions } from "../model/use-execution";
import classes from "./ApiPage.module.css";
import { HistoryList } from "./HistoryList";
import { QueryTabs } from "./QueryTabs";
import { Result } from "./Result";
import { SchemaList } from "./SchemaList";
import { Snippets } from "./Snippets";
import { TextEditor, type TextEditorHandle } from "./TextEditor";

const panels = ["result", "schema", "snippet", "history"] as const;

/** The queries of one app: editor and variables at the left, what is known of them at the right. */
export function Explorer({ app, user, example, as }: { app: number; user: string; example: string; as: As }) {
  const api = useApi();
  const org = useOrganization();
  const cache = useQueryClient();
  const reference = String(app);
  const keys = useId();
  const schema = useQuery(schemaQuery(api, reference, as));
  const past = useQuery(historyQuery(api, reference));
  const tabs = useTabs(user, `${org}/${app}`, example);
  const executions = useExecutions(reference, as);
  const [panel, setPanel] = useState<(typeof panels)[number]>("result");
  const [notice, setNotice] = useState<string | null>(null);
  const editor = useRef<TextEditorHandle>(null);
  const tab = tabs.active;

  const remember = async (run: Tab) => {
    const entry = { query: run.query, variables: run.variables, at: new Date().toISOString() };
    const { queryKey } = historyQuery(api, reference);
    // Once more when another window has kept one: from what is there now.
    for (let attempt = 0; attempt < 2; attempt += 1) {
      if (attempt > 0) await cache.invalidateQueries({ queryKey });
      const known = await cache.ensureQueryData(historyQuery(api, reference));
      const kept = await keepHistory(api, reference, { ...known, entries: withRun(known.entries, entry) });
      if (kept !== null) return cache.setQueryData(queryKey, kept);
    }
    return undefined;
  };
  const run = () => {
    if (tab === null) return;
    const operation = operationAt(tab.query, editor.current?.cursor() ?? 0);
    const variables = readVariables(tab.variables);
    if (typeof operation === "string") {
      setNotice(operation === "" ? t("There is no query to run: write one, such as “query { … }”.") : operation);
    } else if (variables === null)
      setNotice(t("The variables are no JSON object: write {example}.", { example: '{"name": 1}' }));
    else {
      setNotice(null);
      setPanel("result");
      const { name: operationName, kind } = operation;
      executions.run(tab.id, { query: tab.query, variables, operationName }, kind === "subscription");
      // A history that cannot be kept is no reason to disturb.
      remember(tab).catch(() => undefined);
    }
  };
  const prettify = () => {
    const next = tab === null ? null : prettified(tab.query);
    if (next !== null) editor.current?.replace(next);
    setNotice(
      next === null ? t("Only a query without mistakes and without comments is prettified: nothing is lost.") : null,
    );
  };
  const latest = useRef({ run, prettify });
  latest.current = { run, prettify };
  const commands = useMemo<Command[]>(
    () => [
      { id: "api run", title: t("Run the query"), group: t("API"), keys: "mod+enter", run: () => latest.current.run() },
      {
        id: "api pretty",
        title: t("Prettify"),
        group: t("API"),
        keys: "mod+shift+p",
        run: () => latest.current.prettify(),
      },
    ],
    [],
  );
  useCommands(commands);
  const known = schema.data;
  const showSchema = useCallback(
    (view: EditorView) => {
      if (known !== undefined) updateSchema(view, known);
    },
    [known],
  );
  if (tab === null) return <LoadingRows />;
  const rootField = known?.getQueryType()?.getFields();
  const table = Object.keys(rootField ?? {}).find((name) => tab.query.includes(name)) ?? "";
  const execution = executions.all[tab.id];
  const isRunning = execution !== undefined && execution.state !== "ended";
  return (
    <div className={classes.explorer}>
      <section className={classes.left} aria-label={t("Queries")}>
        <QueryTabs tabs={tabs} />
        <VisuallyHidden id={keys}>
          {t("Ctrl-Enter runs. Tab indents: to leave the editor, press Escape, then Tab.")}
        </VisuallyHidden>
        <Group gap="xs" className={classes.bar}>
          <Button
            leftSection={<IconPlayerPlay size={16} aria-hidden />}
            onClick={() => (isRunning ? executions.stop(tab.id) : run())}
          >
            {isRunning ? t("Stop") : t("Run")}
          </Button>
          <Button variant="default" leftSection={<IconSparkles size={16} aria-hidden />} onClick={prettify}>
            {t("Prettify")}
          </Button>
        </Group>
        {notice !== null && (
          <Alert color="orange" role="alert" withCloseButton onClose={() => setNotice(null)}>
            {notice}
          </Alert>
        )}
        <TextEditor
          ref={editor}
          id={tab.id}
          text={tab.query}
          label={t("Query")}
          describedBy={keys}
          language={queryLanguage}
          onShown={showSchema}
          onText={(query) => tabs.write(tab.id, { query })}
          onRun={run}
          onPrettify={prettify}
        />
        <h2 className={classes.heading}>{t("Variables")}</h2>
        <div className={classes.variables}>
          <TextEditor
            id={tab.id}
            text={tab.variables}
            label={t("Variables")}
            describedBy={keys}
            language={json}
            onText={(variables) => tabs.write(tab.id, { variables })}
            onRun={run}
            onPrettify={prettify}
          />
        </div>
      </section>
      <Panels
        value={panel}
        onChange={(value) => setPanel(panels.find((one) => one === value) ?? "result")}
        keepMounted={false}
        className={classes.right}
      >
        <Panels.List>
          <Panels.Tab value="result">{t("Answer")}</Panels.Tab>
          <Panels.Tab value="schema">{t("Schema")}</Panels.Tab>
          <Panels.Tab value="snippet">{t("As a program")}</Panels.Tab>
          <Panels.Tab value="history">{t("History")}</Panels.Tab>
        </Panels.List>
        <Panels.Panel value="result" className={classes.panel}>
          <Result execution={execution} onStop={() => executions.stop(tab.id)} />
        </Panels.Panel>
        <Panels.Panel value="schema" className={classes.panel}>
          {schema.isPending && <LoadingRows />}
          {schema.error && <ErrorPanel error={schema.error} onRetry={() => schema.refetch()} />}
          {known && <SchemaList schema={known} onReload={() => schema.refetch()} />}
        </Panels.Panel>
        <Panels.Panel value="snippet" className={classes.panel}>
          <Snippets tab={tab} app={app} table={table} />
        </Panels.Panel>
        <Panels.Panel value="history" className={classes.panel}>
          {past.error && <ErrorPanel error={past.error} onRetry={() => past.refetch()} />}
          {!past.error && (
            <HistoryList entries={past.data?.entries} onOpen={({ query, variables }) => tabs.add(query, variables)} />
          )}
        </Panels.Panel>
      </Panels>
    </div>
  );
}

function queryLanguage() {
  return graphqlLanguage();
}
