import { Anchor, Button, Group, Text, TextInput, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { t } from "@/i18n";
import { appReference } from "@/routing/references";
import { AsCode } from "@/ui/AsCode";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows, Page } from "@/ui/Page";
import {
  type ChosenFile,
  createFromFile,
  type Fields,
  type Preview,
  previewQuery,
  type SentFile,
  type TablePlan,
} from "../api";
import { appNameOf, formOptions, newKey } from "../model/plan";
import { uploadSnippets } from "../model/snippets";
import { DropArea } from "./DropArea";
import { FileFault, FileRows, RowsToRepair } from "./FileRows";
import classes from "./Imports.module.css";
import { PlanColumns } from "./PlanColumns";
import { ReadingOptions } from "./ReadingOptions";
import { Uploading } from "./Uploading";

/** Times that name no zone are those of the person who sends the file. */
const zone: Fields = { timezone: Intl.DateTimeFormat().resolvedOptions().timeZone };

/** Makes an app from a file: choose, look and change, create. */
export function FromFilePage() {
  const org = useOrganization();
  const [chosen, setChosen] = useState<ChosenFile | null>(null);
  return (
    <Page
      title={t("New app from a file")}
      breadcrumb={<Anchor renderRoot={(props) => <Link to="/$org" params={{ org }} {...props} />}>{t("Apps")}</Anchor>}
      help="/help/csv"
      asCode={null}
    >
      <DropArea chosen={chosen} onChoose={setChosen} />
      {chosen !== null && (
        <Uploading key={chosen.id} chosen={chosen}>
          {(sent) => <Planning sent={sent} />}
        </Uploading>
      )}
    </Page>
  );
}

function Planning({ sent }: { sent: SentFile }) {
  const api = useApi();
  const [options, setOptions] = useState<Fields>(zone);
  const [edited, setEdited] = useState<TablePlan | null>(null);
  // Each key in a name would be a question of its own.
  const [asked] = useDebouncedValue(edited, 300);
  const fields = useMemo(
    () => (asked === null ? options : { ...options, plan: JSON.stringify(asked) }),
    [options, asked],
  );
  const preview = useQuery({ ...previewQuery(api, sent, fields), placeholderData: keepPreviousData });
  const change = (next: Fields) => {
    setOptions(next);
    setEdited(null);
  };
  const plan = edited ?? preview.data?.plan ?? null;
  return (
    <>
      {preview.error && (
        <div className={classes.section}>
          <ErrorPanel error={preview.error} onRetry={() => preview.refetch()} />
        </div>
      )}
      {preview.isPending && (
        <div className={classes.section}>
          <Text role="status">{t("Reading the file …")}</Text>
          <LoadingRows count={8} />
        </div>
      )}
      {preview.data && (
        <div className={classes.section}>
          <FileFault preview={preview.data} />
          <ReadingOptions preview={preview.data} options={options} onChange={change} />
        </div>
      )}
      {preview.data && plan !== null && preview.data.columns.length > 0 && (
        <Creating
          sent={sent}
          preview={preview.data}
          plan={plan}
          options={options}
          isCounting={preview.isFetching || asked !== edited}
          onPlan={setEdited}
        />
      )}
    </>
  );
}

type CreatingProps = {
  sent: SentFile;
  preview: Preview;
  plan: TablePlan;
  options: Fields;
  isCounting: boolean;
  onPlan: (plan: TablePlan) => void;
};

function Creating({ sent, preview, plan, options, isCounting, onPlan }: CreatingProps) {
  const api = useApi();
  const org = useOrganization();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState(() => appNameOf(sent.name));
  // Sent again after an answer that was lost, it creates nothing twice; other choices are another app.
  const content = JSON.stringify([name, plan, options]);
  const key = useMemo(() => ({ content, value: newKey() }), [content]).value;
  // The names that were suggested, to go back to when a column is taken in again.
  const [names] = useState(() => new Map(plan.columns.map((column) => [column.position, column.name ?? ""])));
  const detected = formOptions(preview.options);
  const fields = { ...detected, ...options, name, plan: JSON.stringify(plan), key };
  const creating = useMutation({
    mutationFn: () => createFromFile(api, sent, fields),
    onSuccess: async ({ app, table, csv_import }) => {
      await cache.invalidateQueries({ queryKey: ["apps"] });
      await navigate({
        to: "/$org/$app/tables/$table/imports/$import",
        params: { org, app: appReference(app), table, import: String(csv_import.id) },
      });
    },
  });
  const isReady = name.trim() !== "" && preview.error === null && plan.columns.some((column) => column.name !== null);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (isReady && !creating.isPending) creating.mutate();
      }}
    >
      <section className={classes.section} aria-labelledby="plan">
        <Title order={2} size="h5" id="plan">
          {t("What it becomes")}
        </Title>
        <div className={classes.fields}>
          <TextInput
            label={t("Name of the app")}
            required
            maxLength={150}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <TextInput
            label={t("Name of the table")}
            required
            maxLength={48}
            value={plan.table}
            onChange={(event) => onPlan({ ...plan, table: event.currentTarget.value })}
          />
        </div>
        <PlanColumns preview={preview} plan={plan} names={names} onPlan={onPlan} />
        <RowsToRepair preview={preview} isCounting={isCounting} />
        {creating.error && <ErrorPanel error={creating.error} onRetry={() => creating.mutate()} />}
        {creating.isPending && <Text role="status">{t("Creating the app …")}</Text>}
        <Group gap="xs">
          <Button type="submit" loading={creating.isPending} disabled={!isReady}>
            {t("Create app and import")}
          </Button>
          <AsCode
            title={t("Create this app with a program")}
            snippets={() =>
              uploadSnippets("/api/apps/from-file/", {
                origin: window.location.origin,
                organization: org,
                fields,
                fileName: sent.name,
              })
            }
          />
          <Button variant="default" renderRoot={(props) => <Link to="/$org" params={{ org }} {...props} />}>
            {t("Cancel")}
          </Button>
        </Group>
      </section>
      <FileRows preview={preview} />
    </form>
  );
}
