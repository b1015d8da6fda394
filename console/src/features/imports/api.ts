import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { type Api, body } from "@/api/client";
import { ApiError } from "@/api/errors";
import type { components } from "@/api/schema";
import { readStream } from "@/api/sse";
import type { ShownRows } from "./model/shown-rows";

export type Import = components["schemas"]["CsvImportRead"];
export type Export = components["schemas"]["CsvExportRead"];
export type Preview = components["schemas"]["CsvPreview"];
export type PreviewColumn = components["schemas"]["PreviewColumn"];
export type TablePlan = components["schemas"]["TablePlan"];
export type RejectedRow = components["schemas"]["RejectedRowRead"];
export type RowRepair = components["schemas"]["RowRepair"];
export type RepairResult = components["schemas"]["RepairResult"];
export type TableRead = components["schemas"]["TableRead"];
type AppFromFile = components["schemas"]["AppFromFile"];

/** A file that was chosen; `id` tells it from others in the cache. */
export type ChosenFile = { id: number; file: File };
/** A file that the server keeps, for any number of previews and the import. */
export type SentFile = { upload: string; name: string };
/** Fields of a form beside the file. */
export type Fields = Record<string, string>;

const listSize = 50;
const repairSize = 50;
/** Rows in one request to repair. */
const maxRepairs = 100;

/** Sends a file once; says how much of it has gone, from 0 to 1. Nothing is imported by it. */
export async function sendFile(
  api: Api,
  file: File,
  onProgress: (part: number) => void,
  signal: AbortSignal,
): Promise<SentFile> {
  const form = new FormData();
  form.append("file", file, file.name);
  const path = "/api/apps/csv-imports/uploads/";
  const kept: components["schemas"]["CsvUploadRead"] = await (await api.upload(path, form, onProgress, signal)).json();
  return { upload: kept.id, name: file.name };
}

/** Reads what a file holds and what would become of it. A changed choice is a new question; the file stays. */
export function previewQuery(api: Api, sent: SentFile, fields: Fields) {
  return queryOptions({
    queryKey: ["file preview", sent.upload, fields],
    queryFn: async ({ signal }): Promise<Preview> => {
      const path = "/api/apps/csv-imports/preview/";
      return (await api.send(path, { method: "POST", body: formOf(sent, fields), signal })).json();
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    // An organization has one preview at a time: another one is waited for.
    retry: (failures, error) => failures < 15 && error instanceof ApiError && error.status === 429,
    retryDelay: (_, error) => (error instanceof ApiError ? (error.retryAfter ?? 1) * 1000 : 1000),
  });
}

/** Creates an app with a table from a file. The same `key` again answers what it created before. */
export async function createFromFile(api: Api, sent: SentFile, fields: Fields): Promise<AppFromFile> {
  return (await api.send("/api/apps/from-file/", { method: "POST", body: formOf(sent, fields) })).json();
}

/** Begins the import of a file into a table. */
export async function createImport(api: Api, sent: SentFile, fields: Fields): Promise<Import> {
  return (await api.send("/api/apps/csv-imports/", { method: "POST", body: formOf(sent, fields) })).json();
}

function formOf(sent: SentFile, fields: Fields): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("upload", sent.upload);
  return form;
}

/** Reads the imports of a table, newest first, part by part. */
export function importsQuery(api: Api, app: string, table: string) {
  return infiniteQueryOptions({
    queryKey: ["imports", app, table],
    initialPageParam: 0,
    queryFn: async ({ signal, pageParam }) => {
      const query = { app, table, limit: listSize, ...(pageParam === 0 ? {} : { before: pageParam }) };
      return body(await api.http.GET("/api/apps/csv-imports/", { params: { query }, signal }));
    },
    getNextPageParam: (part) => (part.length < listSize ? undefined : part.at(-1)?.id),
  });
}

/** Reads one import. */
export function importQuery(api: Api, id: number) {
  return queryOptions({
    queryKey: ["import", id],
    queryFn: async ({ signal }) =>
      body(await api.http.GET("/api/apps/csv-imports/{import_id}/", { params: { path: { import_id: id } }, signal })),
  });
}

/** Reads a table's columns and keys. */
export function tableQuery(api: Api, app: string, table: string) {
  return queryOptions({
    queryKey: ["table", app, table],
    queryFn: async ({ signal }) => {
      const path = { app, table_name: table };
      return body(await api.http.GET("/api/apps/{app}/table/{table_name}/", { params: { path }, signal }));
    },
  });
}

/** Cancels an import; rows that are in stay. */
export async function cancelImport(api: Api, id: number): Promise<Import> {
  const path = { import_id: id };
  return body(await api.http.POST("/api/apps/csv-imports/{import_id}/cancel/", { params: { path } }));
}

/** Reads the rows of an import that are still to be repaired, in the order of the file. */
export function repairsQuery(api: Api, id: number) {
  return infiniteQueryOptions({
    queryKey: ["repairs", id],
    initialPageParam: "",
    queryFn: async ({ signal, pageParam }) => {
      const params = { path: { import_id: id }, query: { cursor: pageParam, limit: repairSize } };
      return body(await api.http.GET("/api/apps/csv-imports/{import_id}/repairs/", { params, signal }));
    },
    getNextPageParam: (part) => part.next_cursor ?? undefined,
  });
}

/** Imports repaired rows again; says what became of each. */
export async function repairRows(api: Api, id: number, rows: readonly RowRepair[]): Promise<RepairResult["results"]> {
  const results: RepairResult["results"] = [];
  for (let start = 0; start < rows.length; start += maxRepairs) {
    const answer = await api.http.POST("/api/apps/csv-imports/{import_id}/repairs/", {
      params: { path: { import_id: id } },
      body: { rows: rows.slice(start, start + maxRepairs) },
    });
    results.push(...body(answer).results);
  }
  return results;
}

/** Follows an import until it ends. */
export function followImport(api: Api, id: number, onChange: (job: Import) => void, signal: AbortSignal) {
  return follow<Import>(
    async (header, connection) => {
      const params = { path: { import_id: id }, header };
      const path = "/api/apps/csv-imports/{import_id}/stream/";
      return (await api.http.GET(path, { params, parseAs: "stream", signal: connection })).response;
    },
    onChange,
    signal,
  );
}

/** Follows an export until it ends. */
export function followExport(api: Api, id: number, onChange: (job: Export) => void, signal: AbortSignal) {
  return follow<Export>(
    async (header, connection) => {
      const params = { path: { export_id: id }, header };
      const path = "/api/apps/csv-exports/{export_id}/stream/";
      return (await api.http.GET(path, { params, parseAs: "stream", signal: connection })).response;
    },
    onChange,
    signal,
  );
}

type Connect = (header: { "last-event-id"?: string }, signal: AbortSignal) => Promise<Response>;

function follow<Job>(connect: Connect, onChange: (job: Job) => void, signal: AbortSignal): Promise<void> {
  return readStream(
    async (connection) => {
      const header = connection.lastId === "" ? {} : { "last-event-id": connection.lastId };
      const stream = (await connect(header, connection.signal)).body;
      if (stream === null) throw new Error("the stream of a job has no body");
      return stream;
    },
    {
      signal,
      isLost: (error) => !(error instanceof ApiError && error.status < 500),
      onEvents: (events) => {
        // An event holds the whole job: the last one is enough.
        const last = events.at(-1);
        if (last !== undefined) onChange(JSON.parse(last.data));
      },
    },
  );
}

type ExportRequest = ShownRows & { app: string; table: string; format: "csv" | "xlsx" };

/** Begins an export of a table. */
export async function createExport(api: Api, request: ExportRequest): Promise<Export> {
  const { app, table, format, where = {}, order = [], columns } = request;
  const sent = {
    app,
    table,
    format,
    delimiter: "," as const,
    guard_formulas: true,
    where: JSON.parse(JSON.stringify(where)),
    order_by: order,
    ...(columns === undefined ? {} : { columns }),
  };
  return body(await api.http.POST("/api/apps/csv-exports/", { body: sent }));
}

/** Gives the person a file of the API. */
export async function saveFile(api: Api, path: string, name: string): Promise<void> {
  const content = await (await api.send(path, { method: "GET" })).blob();
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
