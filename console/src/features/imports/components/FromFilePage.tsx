import { Anchor, Button, Group, Text, TextInput, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { useApi, useOrganization } from "@/api/context";
import { t } from "@/i18n";
import { appReference } from "@/routing/references";
import { AsCode } from "@/ui/AsCode";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows, Page } from "@/ui/Page";
import { useIsHere } from "@/ui/useIsHere";
import { createFromFile, type Preview, previewQuery, type SentFile, type TablePlan } from "../api";
import { appNameOf, formOptions, newKey } from "../model/plan";
import { uploadSnippets } from "../model/snippets";
import { useFileWork } from "../model/use-file-work";
import { DropArea } from "./DropArea";
import { FileFault, FileRows, RowsToRepair } from "./FileRows";
import { ContinueButton, isAtFile, StepsToImport } from "./ImportSteps";
import classes from "./Imports.module.css";
import { PlanColumns } from "./PlanColumns";
import { ReadingOptions } from "./ReadingOptions";
import { Uploading } from "./Uploading";

/** Makes an app from a file: choose, look and change, create. */
export function FromFilePage() {
  const org = useOrganization();
  const place = useMemo(() => ({ id: "new app", title: t("New app"), href: `/${org}/apps/new?from=file` }), [org]);
  const doing = useFileWork(place);
  const { work, change, choose, sendAgain, stopUpload } = doing;
  const { chosen, sent } = work;
  return (
    <Page
      title={t("New app from a file")}
      breadcrumb={<Anchor renderRoot={(props) => <Link to="/$org" params={{ org }} {...props} />}>{t("Apps")}</Anchor>}
      help="/help/csv"
      asCode={null}
    >
      <StepsToImport work={work} onGo={(isBack) => change({ isBack })} />
      <DropArea chosen={chosen} onChoose={choose} />
      {chosen !== null && sent === null && (
        <Uploading place={place} chosen={chosen} onAgain={() => sendAgain(chosen)} onStop={stopUpload} />
      )}
      {sent !== null && work.isBack && (
        <div className={classes.section}>
          <ContinueButton onGo={() => change({ isBack: false })} />
        </div>
      )}
      {sent !== null && !isAtFile(work) && <Planning key={sent.upload} sent={sent} doing={doing} />}
    </Page>
  );
}

type Doing = ReturnType<typeof useFileWork>;

function Planning({ sent, doing }: { sent: SentFile; doing: Doing }) {
  const api = useApi();
  const { options, plan: edited } = doing.work;
  // Each key in a name would be a question of its own.
  const [asked] = useDebouncedValue(edited, 300);
  const fields = useMemo(
    () => (asked === null ? options : { ...options, plan: JSON.stringify(asked) }),
    [options, asked],
  );
  const preview = useQuery({ ...previewQuery(api, sent, fields), placeholderData: keepPreviousData });
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
          <ReadingOptions
            preview={preview.data}
            options={options}
            onChange={(next) => doing.change({ options: next, plan: null, names: null })}
          />
        </div>
      )}
      {preview.data && plan !== null && preview.data.columns.length > 0 && (
        <Creating
          sent={sent}
          preview={preview.data}
          plan={plan}
          doing={doing}
          isCounting={preview.isFetching || asked !== edited}
        />
      )}
    </>
  );
}

type CreatingProps = {
  sent: SentFile;
  preview: Preview;
  plan: TablePlan;
  doing: Doing;
  isCounting: boolean;
};

function Creating({ sent, preview, plan, doing, isCounting }: CreatingProps) {
  const api = useApi();
  const org = useOrganization();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const { work, change, drop } = doing;
  const { options } = work;
  const isHere = useIsHere();
  const name = work.name ?? appNameOf(sent.name);
  // Sent again after an answer that was lost, it creates nothing twice; other choices are another app.
  const content = JSON.stringify([name, plan, options]);
  const fresh = useMemo(() => ({ content, value: newKey() }), [content]);
  const key = work.key?.content === content ? work.key : fresh;
  const suggested = new Map(plan.columns.map((column) => [column.position, column.name ?? ""]));
  const names = work.names ?? suggested;
  const onPlan = (next: TablePlan) => change({ plan: next, names });
  const detected = formOptions(preview.options);
  const fields = { ...detected, ...options, name, plan: JSON.stringify(plan), key: key.value };
  const creating = useMutation({
    mutationFn: () => {
      change({ key });
      return createFromFile(api, sent, fields);
    },
    onSuccess: async ({ app, table, csv_import }) => {
      await cache.invalidateQueries({ queryKey: ["apps"] });
      if (isHere.current) {
        await navigate({
          to: "/$org/$app/tables/$table/imports/$import",
          params: { org, app: appReference(app), table, import: String(csv_import.id) },
        });
      }
      drop();
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
            onChange={(event) => change({ name: event.currentTarget.value })}
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
          <Button variant="default" onClick={() => change({ isBack: true })}>
            {t("Back to the file")}
          </Button>
          <Button
            variant="default"
            onClick={drop}
            renderRoot={(props) => <Link to="/$org" params={{ org }} {...props} />}
          >
            {t("Cancel")}
          </Button>
        </Group>
      </section>
      <FileRows preview={preview} />
    </form>
  );
}
