import { Button, Group, NativeSelect, Text, Title } from "@mantine/core";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { useApi, useOrganization } from "@/api/context";
import { t } from "@/i18n";
import { AsCode } from "@/ui/AsCode";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows } from "@/ui/Page";
import { listed } from "@/ui/time";
import { useIsHere } from "@/ui/useIsHere";
import { createImport, type Fields, previewQuery, type SentFile, tableQuery } from "../api";
import { firstMapping, formOptions, keysOf, newKey } from "../model/plan";
import { canUpdate, closedColumns, importableColumns } from "../model/rights";
import { uploadSnippets } from "../model/snippets";
import type { useFileWork, WorkPlace } from "../model/use-file-work";
import { DropArea } from "./DropArea";
import { FileFault, FileRows, RowsToRepair } from "./FileRows";
import { ContinueButton, isAtFile, StepsToImport } from "./ImportSteps";
import classes from "./Imports.module.css";
import { Against } from "./PlanColumns";
import { ReadingOptions } from "./ReadingOptions";
import { Uploading } from "./Uploading";

type Doing = ReturnType<typeof useFileWork>;
type Props = { app: string; table: string; place: WorkPlace; doing: Doing };

/** Imports a file into a table that exists: columns to columns, and what to do with rows that are there. */
export function NewImport({ app, table, place, doing }: Props) {
  const { change, choose, sendAgain, stopUpload, drop } = doing;
  const { chosen, sent } = doing.work;
  return (
    <section className={classes.section} aria-label={t("New import")}>
      <StepsToImport work={doing.work} onGo={(isBack) => change({ isBack })} />
      <DropArea chosen={chosen} onChoose={choose} />
      {chosen !== null && sent === null && (
        <Uploading place={place} chosen={chosen} onAgain={() => sendAgain(chosen)} onStop={stopUpload} />
      )}
      {sent !== null && doing.work.isBack && <ContinueButton onGo={() => change({ isBack: false })} />}
      {sent !== null && !isAtFile(doing.work) && (
        <Mapping key={sent.upload} sent={sent} app={app} table={table} doing={doing} />
      )}
      <div>
        <Button variant="default" onClick={drop}>
          {t("Cancel")}
        </Button>
      </div>
    </section>
  );
}

type MappingProps = { sent: SentFile; app: string; table: string; doing: Doing };

function Mapping({ sent: file, app, table, doing }: MappingProps) {
  const api = useApi();
  const org = useOrganization();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const isHere = useIsHere();
  const { work, change, drop } = doing;
  const { options, mapping: edited, rule } = work;
  const target = useQuery(tableQuery(api, app, table));
  const into = useMemo(() => ({ ...options, app, table }), [options, app, table]);
  const first = useQuery({ ...previewQuery(api, file, into), placeholderData: keepPreviousData });
  const known = useMemo(() => (target.data === undefined ? [] : importableColumns(target.data)), [target.data]);
  const suggested = useMemo(
    () => (first.data === undefined || known.length === 0 ? null : firstMapping(first.data.columns, known)),
    [first.data, known],
  );
  const mapping = edited ?? suggested;
  const sent = useMemo(
    () => ({ ...into, ...conflictOf(rule), mapping: JSON.stringify(mapping) }),
    [into, rule, mapping],
  );
  const isMapped = mapping !== null && Object.values(mapping).some((column) => column !== null);
  const counted = useQuery({
    ...previewQuery(api, file, sent),
    enabled: isMapped,
    placeholderData: keepPreviousData,
  });
  const preview = isMapped ? (counted.data ?? first.data) : first.data;
  const content = JSON.stringify(sent);
  const fresh = useMemo(() => ({ content, value: newKey() }), [content]);
  const key = work.key?.content === content ? work.key : fresh;
  const fields = { ...formOptions(preview?.options ?? {}), ...sent, key: key.value };
  const sending = useMutation({
    mutationFn: () => {
      change({ key });
      return createImport(api, file, fields);
    },
    onSuccess: async (job) => {
      await cache.invalidateQueries({ queryKey: ["imports"] });
      if (isHere.current) {
        const params = { org, app, table, import: String(job.id) };
        await navigate({ to: "/$org/$app/tables/$table/imports/$import", params });
      }
      drop();
    },
  });
  const error = first.error ?? counted.error ?? target.error;
  if (error !== null)
    return <ErrorPanel error={error} onRetry={() => Promise.all([first.refetch(), target.refetch()])} />;
  if (preview === undefined || target.data === undefined) return <LoadingRows count={6} />;
  const keys = keysOf(preview.columns);
  const unique = [["id"], ...target.data.unique.map(({ columns }) => columns)];
  const filled = Object.values(mapping ?? {}).filter((column) => column !== null);
  const named = unique.map((columns) => columns.join(", "));
  const updatable = unique.filter((columns) => canUpdate(target.data, columns, filled)).map((key) => key.join(", "));
  const closed = closedColumns(target.data);
  const presets = target.data.limits?.add.presets ?? [];
  // A choice that other columns have made impossible.
  const isOpen = rule === "" || !rule.startsWith("update ") || updatable.includes(rule.slice("update ".length));
  return (
    <>
      {preview.columns.length === 0 && <FileFault preview={preview} />}
      {preview.columns.length > 0 && isMapped && counted.data && <FileFault preview={counted.data} />}
      <ReadingOptions
        preview={preview}
        options={options}
        onChange={(next) => change({ options: next, mapping: null })}
      />
      {mapping !== null && preview.columns.length > 0 && (
        <>
          <Title order={2} size="h5">
            {t("Where the columns go")}
          </Title>
          {presets.length > 0 && (
            <Text size="sm" c="dimmed">
              {t("The platform fills {columns}.", { columns: listed(presets) })}
            </Text>
          )}
          {closed.length > 0 && (
            <Text size="sm" c="dimmed">
              {t("Your role may not fill {columns}; a builder can allow it.", { columns: listed(closed) })}
            </Text>
          )}
          <div className={classes.scroll}>
            <table className={classes.table}>
              <thead>
                <tr>
                  <th>{t("In the file")}</th>
                  <th>{t("Column of the table")}</th>
                  <th>{t("Speaks against it")}</th>
                </tr>
              </thead>
              <tbody>
                {preview.columns.map((column) => {
                  const name = keys.get(column.position) ?? "";
                  return (
                    <tr key={column.position}>
                      <td className={classes.heading}>
                        <bdi>{column.header || t("column {number}", { number: column.position })}</bdi>
                      </td>
                      <td>
                        <NativeSelect
                          size="xs"
                          aria-label={t("Column for {heading}", { heading: column.header || name })}
                          data={[{ value: "", label: t("Leave out") }, ...known]}
                          value={mapping[name] ?? ""}
                          onChange={(event) =>
                            change({ mapping: { ...mapping, [name]: event.currentTarget.value || null } })
                          }
                        />
                      </td>
                      <td>
                        <Against column={column} />
                      </td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
          <NativeSelect
            label={t("When a row is there already")}
            description={t("Rows are the same when they have the same key.")}
            maw="24rem"
            data={[
              { value: "", label: t("Put the line on the repair list") },
              ...named.map((columns) => ({
                value: `update ${columns}`,
                label: t("Update it, by {columns}", { columns }),
                disabled: !updatable.includes(columns),
              })),
              ...named.map((columns) => ({
                value: `skip ${columns}`,
                label: t("Leave it as it is, by {columns}", { columns }),
              })),
            ]}
            value={rule}
            onChange={(event) => change({ rule: event.currentTarget.value })}
          />
          {!isOpen && (
            <Text size="sm" role="alert" className={classes.error}>
              {t("Your role may not change all of these columns. Leave them out, or choose otherwise.")}
            </Text>
          )}
          {isMapped && <RowsToRepair preview={preview} isCounting={counted.isFetching} />}
          {sending.isPending && <Text role="status">{t("Starting the import …")}</Text>}
          {sending.error && <ErrorPanel error={sending.error} onRetry={() => sending.mutate()} />}
          <Group gap="xs">
            <Button
              loading={sending.isPending}
              disabled={!isMapped || !isOpen || preview.error !== null}
              onClick={() => sending.mutate()}
            >
              {t("Import the file")}
            </Button>
            <AsCode
              title={t("Import this file with a program")}
              snippets={() =>
                uploadSnippets("/api/apps/csv-imports/", {
                  origin: window.location.origin,
                  organization: org,
                  fields,
                  fileName: file.name,
                })
              }
            />
          </Group>
          <FileRows preview={preview} />
        </>
      )}
    </>
  );
}

function conflictOf(rule: string): Fields {
  const [action, ...rest] = rule.split(" ");
  if (action !== "update" && action !== "skip") return {};
  return { on_conflict: JSON.stringify({ action, columns: rest.join(" ").split(", ") }) };
}
