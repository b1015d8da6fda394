import { type Api, body } from "@/api/client";
import { GraphqlError } from "@/api/errors";
import { graphql, isRecord, TooLargeAnswer } from "@/api/graphql";
import type { Column, Reference, Row, Table, Value } from "./model/columns";
import { fieldsQuery, readFields } from "./model/fields";
import type { Where } from "./model/filter";
import type { RowWrite } from "./model/operations";
import type { Page } from "./model/pages";
import { fieldsOf, readRow, readValue, readValues } from "./model/reading";

export type Summary = {
  readonly count: number;
  readonly sums: Record<string, Value>;
  readonly averages: Record<string, Value>;
};

/** Rows of more bytes are read without their texts and JSON. */
const maxPageBytes = 8_000_000;
const none: ReadonlySet<string> = new Set();

/** One value of a column, and how many rows have it. */
export type Group = { readonly value: Value; readonly count: number };

/** Reads and writes rows of one table. Names of tables and columns come from the platform's description of the table. */
export class RowsApi {
  private fields: string;
  private lightFields: string;
  /** Columns that the caller's role cannot read, once a query has failed for it; null before. */
  private hiddenColumns: ReadonlySet<string> | null = null;

  constructor(
    private readonly api: Api,
    readonly app: string,
    readonly table: Table,
  ) {
    this.fields = fieldsOf(table.columns);
    this.lightFields = fieldsOf(table.columns.filter(isLight));
  }

  get hidden(): ReadonlySet<string> {
    return this.hiddenColumns ?? none;
  }

  get organization(): string | null {
    return this.api.organization;
  }

  /** Reads rows. Where they are too large for a page, texts and JSON are left out, and are not among the values. */
  async page(page: Page, signal?: AbortSignal): Promise<Row[]> {
    try {
      return await this.read(page, this.fields, signal);
    } catch (error) {
      if (error instanceof TooLargeAnswer) return this.read(page, this.lightFields, signal);
      const isUnknown = error instanceof GraphqlError && error.code === "validation-failed";
      if (!isUnknown || this.hiddenColumns !== null) throw error;
      await this.narrow(signal);
      return this.page(page, signal);
    }
  }

  /** Asks for no more than what the caller's role can read. */
  private async narrow(signal?: AbortSignal): Promise<void> {
    const { graphqlName, columns } = this.table;
    const types = [graphqlName, ...columns.flatMap(({ reference }) => reference?.graphqlName ?? [])];
    const all = readFields(await graphql(this.api, this.app, fieldsQuery(types), {}, signal), types);
    const has = (type: string, name: string) => all.get(type)?.some((field) => field.name === name) === true;
    const readable = columns
      .filter(({ name }) => has(graphqlName, name))
      .map((column) => {
        const { reference } = column;
        const isNamed =
          reference !== null && has(graphqlName, reference.relationship) && has(reference.graphqlName, reference.label);
        return isNamed ? column : { ...column, reference: null };
      });
    this.hiddenColumns = new Set(columns.filter(({ name }) => !has(graphqlName, name)).map(({ name }) => name));
    this.fields = fieldsOf(readable);
    this.lightFields = fieldsOf(readable.filter(isLight));
  }

  /** Reads one value as text, however large it is. */
  async text(id: string, column: Column, signal?: AbortSignal): Promise<string> {
    const { graphqlName: name } = this.table;
    const query = `query Value($where: ${name}_bool_exp!) { ${name}(where: $where) { ${column.name} } }`;
    const data = await graphql(this.api, this.app, query, { where: { id: { _eq: id } } }, signal);
    const row = Array.isArray(data[name]) ? data[name][0] : undefined;
    const value: unknown = isRecord(row) ? row[column.name] : null;
    return typeof value === "string" && column.type !== "json" ? value : JSON.stringify(value);
  }

  private async read({ where, orderBy, limit, offset }: Page, fields: string, signal?: AbortSignal): Promise<Row[]> {
    const { graphqlName: name } = this.table;
    const data = await graphql(
      this.api,
      this.app,
      `query Rows($where: ${name}_bool_exp!, $order: [${name}_order_by!], $limit: Int!, $offset: Int!) {
        ${name}(where: $where, order_by: $order, limit: $limit, offset: $offset) { ${fields} }
      }`,
      { where, order: orderBy, limit, offset },
      signal,
      maxPageBytes,
    );
    return this.readRows(data[name]);
  }

  byIds(ids: readonly string[], signal?: AbortSignal): Promise<Row[]> {
    return this.page({ where: { id: { _in: [...ids] } }, orderBy: [], limit: ids.length, offset: 0 }, signal);
  }

  /** Counts the rows that match, and sums up the columns named. */
  async summary(where: Where, columns: readonly string[], signal?: AbortSignal): Promise<Summary> {
    const field = `${this.table.graphqlName}_aggregate`;
    const sums = columns.length === 0 ? "" : `sum { ${columns.join(" ")} } avg { ${columns.join(" ")} }`;
    const data = await graphql(
      this.api,
      this.app,
      `query Summary($where: ${this.table.graphqlName}_bool_exp!) { ${field}(where: $where) { aggregate { count ${sums} } } }`,
      { where },
      signal,
    );
    const answer = isRecord(data[field]) ? data[field].aggregate : null;
    if (!isRecord(answer) || typeof answer.count !== "number") throw new Error("the answer holds no count");
    return { count: answer.count, sums: readValues(answer.sum), averages: readValues(answer.avg) };
  }

  /** Estimates how many rows match, from the database's statistics; null if it has none. */
  async estimate(where: Where, signal?: AbortSignal): Promise<number | null> {
    const answer = await this.api.http.POST("/api/apps/{app}/table/{table_name}/estimate-rows/", {
      ...this.at(signal),
      body: { filter: { ...where } },
    });
    return body(answer).estimate;
  }

  /** Sets one column in all rows that match, if they are as many as expected. Returns their number. */
  async updateAll(where: Where, values: Record<string, Value>, expected: number): Promise<number> {
    const answer = await this.api.http.PATCH("/api/apps/{app}/table/{table_name}/update-rows/", {
      ...this.at(),
      body: { ...selected(where), set: values, expected_count: expected },
    });
    return body(answer).affected_rows;
  }

  /** Deletes all rows that match, if they are as many as expected. */
  async removeAll(where: Where, expected: number): Promise<number> {
    await this.api.http.DELETE("/api/apps/{app}/table/{table_name}/delete-rows/", {
      ...this.at(),
      body: { ...selected(where), expected_count: expected },
    });
    return expected;
  }

  /** Counts rows by the values of a column. `after` is the last value of the part before. */
  async groups(by: string, where: Where, after: { value: Value } | null, signal?: AbortSignal) {
    const answer = await this.api.http.POST("/api/apps/{app}/table/{table_name}/group-rows/", {
      ...this.at(signal),
      body: { by, filter: { ...where }, after, limit: 50 },
    });
    const { groups, next_after } = body(answer);
    return {
      groups: groups.map(({ value, count }): Group => ({ value: readValue(value, false), count })),
      next: next_after === null ? null : { value: readValue(next_after.value, false) },
    };
  }

  private at(signal?: AbortSignal) {
    return {
      params: { path: { app: this.app, table_name: this.table.name } },
      ...(signal === undefined ? {} : { signal }),
    };
  }

  /** Writes rows in one transaction. Returns those written, as they are now; one that lost an expected value is not. */
  async write(writes: readonly RowWrite[]): Promise<Row[]> {
    const field = `update_${this.table.graphqlName}_many`;
    const updates = writes.map(({ id, expected, values }) => ({
      where: {
        id: { _eq: id },
        ...Object.fromEntries(
          Object.entries(expected).map(([column, value]) => [
            column,
            value === null ? { _is_null: true } : { _eq: value },
          ]),
        ),
      },
      _set: values,
    }));
    const data = await graphql(
      this.api,
      this.app,
      `mutation Write($updates: [${this.table.graphqlName}_updates!]!) {
        ${field}(updates: $updates) { returning { ${this.fields} } }
      }`,
      { updates },
    );
    const answers: unknown = data[field];
    return Array.isArray(answers) ? answers.flatMap((answer) => this.returned(answer)) : [];
  }

  async insert(objects: readonly Record<string, Value>[]): Promise<Row[]> {
    const field = `insert_${this.table.graphqlName}`;
    const data = await graphql(
      this.api,
      this.app,
      `mutation Insert($objects: [${this.table.graphqlName}_insert_input!]!) {
        ${field}(objects: $objects) { returning { ${this.fields} } }
      }`,
      { objects },
    );
    return this.returned(data[field]);
  }

  /** Deletes rows; returns them as they last were. */
  async remove(ids: readonly string[]): Promise<Row[]> {
    const field = `delete_${this.table.graphqlName}`;
    const data = await graphql(
      this.api,
      this.app,
      `mutation Delete($where: ${this.table.graphqlName}_bool_exp!) { ${field}(where: $where) { returning { ${this.fields} } } }`,
      { where: { id: { _in: ids } } },
    );
    return this.returned(data[field]);
  }

  /** The subscription to the ids of a page and when each row last changed. */
  watchQuery(): string {
    const { graphqlName: name } = this.table;
    return `subscription Watch($where: ${name}_bool_exp!, $order: [${name}_order_by!], $limit: Int!, $offset: Int!) {
      ${name}(where: $where, order_by: $order, limit: $limit, offset: $offset) { id updated_at }
    }`;
  }

  /** Reads what the subscription pushes: when each row last changed, by its id. */
  readWatched(data: Record<string, unknown>): Map<string, string> {
    const rows: unknown = data[this.table.graphqlName];
    return new Map(
      Array.isArray(rows)
        ? rows.flatMap((row) => (isRecord(row) ? [[String(row.id), String(row.updated_at)]] : []))
        : [],
    );
  }

  /** Finds rows that a reference may lead to by what their label begins with or contains. */
  async candidates(column: Column, search: string, signal?: AbortSignal): Promise<{ id: string; label: string }[]> {
    const reference = column.reference;
    if (reference === null) return [];
    const { graphqlName: name, label } = reference;
    const where =
      search === "" || label === "id" ? {} : { [label]: { _ilike: `%${search.replace(/[\\%_]/g, "\\$&")}%` } };
    const data = await graphql(
      this.api,
      this.app,
      `query Candidates($where: ${name}_bool_exp!) { ${name}(where: $where, order_by: { ${label}: asc }, limit: 20) { id label: ${label} } }`,
      { where },
      signal,
    );
    const rows: unknown = data[name];
    return Array.isArray(rows)
      ? rows.flatMap((row) => (isRecord(row) ? [{ id: String(row.id), label: String(row.label ?? row.id) }] : []))
      : [];
  }

  /** Reads the names of referenced rows, by their ids. */
  async labels(reference: Reference, ids: readonly string[], signal?: AbortSignal): Promise<Map<Value, string>> {
    const { graphqlName: name, label } = reference;
    const data = await graphql(
      this.api,
      this.app,
      `query Labels($where: ${name}_bool_exp!) { ${name}(where: $where) { id label: ${label} } }`,
      { where: { id: { _in: [...ids] } } },
      signal,
    );
    const rows: unknown = data[name];
    return new Map(
      Array.isArray(rows)
        ? rows.flatMap((row) => (isRecord(row) ? [[String(row.id), String(row.label ?? row.id)]] : []))
        : [],
    );
  }

  private returned(answer: unknown): Row[] {
    return isRecord(answer) ? this.readRows(answer.returning) : [];
  }

  private readRows(rows: unknown): Row[] {
    return Array.isArray(rows) ? rows.flatMap((row) => (isRecord(row) ? [readRow(row, this.table)] : [])) : [];
  }
}

function isLight({ type }: Column): boolean {
  return type !== "json" && type !== "text";
}

function selected(where: Where) {
  return Object.keys(where).length === 0 ? { all: true } : { filter: { ...where } };
}
