import { Anchor, Button, Text } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { useApi, useOrganization } from "@/api/context";
import { t } from "@/i18n";
import { AsCode } from "@/ui/AsCode";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { MoreButton } from "@/ui/MoreButton";
import { LoadingRows, Page } from "@/ui/Page";
import { Time } from "@/ui/Time";
import { type Import, importsQuery, tableQuery } from "../api";
import { canImport, canRead } from "../model/rights";
import { useFileWork } from "../model/use-file-work";
import { ExportPanel } from "./ExportPanel";
import { ImportState, importSummary } from "./ImportState";
import classes from "./Imports.module.css";
import { NewImport } from "./NewImport";
import { useImport } from "./useImport";

const route = getRouteApi("/$org/$app/tables/$table/imports");

/** Imports of a table, a new one, and exports. */
export function ImportsPage() {
  const { app, table } = route.useParams();
  const shown = route.useSearch();
  const { where, order } = shown;
  const org = useOrganization();
  const place = useMemo(
    () => ({
      id: `${app} ${table}`,
      title: table,
      href: `/${org}/${app}/tables/${encodeURIComponent(table)}/imports`,
    }),
    [org, app, table],
  );
  const doing = useFileWork(place);
  const isNew = doing.work.isOpen;
  const api = useApi();
  const list = useInfiniteQuery(importsQuery(api, app, table));
  const jobs = list.data?.pages.flat() ?? [];
  const target = useQuery(tableQuery(api, app, table)).data;
  const mayImport = target === undefined || canImport(target);
  const mayRead = target === undefined || canRead(target);
  const begin = mayImport && (
    <Button onClick={() => doing.change({ isOpen: true })} disabled={isNew || target === undefined}>
      {t("New import")}
    </Button>
  );
  return (
    <Page
      title={t("Imports and exports")}
      breadcrumb={
        <Anchor
          renderRoot={(props) => (
            <Link
              to="/$org/$app/tables/$table"
              params={{ org, app, table }}
              search={{ ...(where === undefined ? {} : { where }), ...(order === undefined ? {} : { order }) }}
              {...props}
            />
          )}
        >
          {table}
        </Anchor>
      }
      help="/help/csv"
      asCode={<AsCode reads={`/api/apps/csv-imports/?app=${app}&table=${table}`} />}
      actions={begin}
      toolbar={mayRead && <ExportPanel app={app} table={table} shown={shown} target={target} />}
    >
      {!mayImport && (
        <Text role="note">
          {mayRead
            ? t("Your role may not add rows to this table, and so not import any. A builder can allow it.")
            : t("Your role may not read this table, and so neither import nor export rows. A builder can allow it.")}
        </Text>
      )}
      {isNew && mayImport && <NewImport app={app} table={table} place={place} doing={doing} />}
      {list.isPending && <LoadingRows />}
      {list.error && <ErrorPanel error={list.error} onRetry={() => list.refetch()} />}
      {list.data && jobs.length === 0 && !isNew && mayImport && (
        <EmptyState title={t("No imports yet")} action={begin}>
          {t(
            "A CSV or Excel file adds rows to this table, or updates them by a key. Rows that do not fit can be repaired here.",
          )}
        </EmptyState>
      )}
      {jobs.length > 0 && (
        <table className={classes.table} aria-label={t("Imports, newest first")}>
          <thead>
            <tr>
              <th>{t("State")}</th>
              <th>{t("File")}</th>
              <th>{t("What it did")}</th>
              <th>{t("When")}</th>
            </tr>
          </thead>
          <tbody>
            {jobs.map((job) => (
              <tr key={job.id}>
                <ImportCells job={job} isFollowed={job.id === oldestOpen(jobs)} />
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <MoreButton list={list} />
    </Page>
  );
}

/** Of an organization's imports one is worked on at a time, the oldest first: that is the one to follow. */
function oldestOpen(jobs: readonly Import[]): number | undefined {
  return jobs.findLast((job) => job.finished_at === null)?.id;
}

function ImportCells({ job, isFollowed }: { job: Import; isFollowed: boolean }) {
  return isFollowed ? <FollowedCells job={job} /> : <Cells job={job} />;
}

function FollowedCells({ job }: { job: Import }) {
  return <Cells job={useImport(job.id).data ?? job} />;
}

function Cells({ job }: { job: Import }) {
  const org = useOrganization();
  const { app, table } = route.useParams();
  return (
    <>
      <td>
        <ImportState job={job} />
      </td>
      <td className={classes.heading}>
        <Link to="/$org/$app/tables/$table/imports/$import" params={{ org, app, table, import: String(job.id) }}>
          <bdi>{job.file_name}</bdi> #{job.id}
        </Link>
      </td>
      <td>{job.finished_at === null ? `${job.progress} %` : importSummary(job)}</td>
      <td>
        <Time at={job.created_at} />
      </td>
    </>
  );
}
