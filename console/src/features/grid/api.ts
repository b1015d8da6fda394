import { type Api, body } from "@/api/client";
import { exactDigits } from "@/api/exact";
import { graphql, isRecord, TooLargeAnswer } from "@/api/graphql";
import { type Column, isValue, type Reference, type Row, type Table, type Value } from "./model/columns";
import type { Where } from "./model/filter";
import type { RowWrite } from "./model/operations";

export type Page = {
  readonly where: Where;
  readonly orderBy: readonly { readonly [column: string]: string }[];
  readonly limit: number;
  readonly offset: number;
};

export type Summary = {
  readonly count: number;
  readonly sums: Record<string, Value>;
  readonly averages: Record<string, Value>;
};

/** Rows of more bytes are read without their texts and JSON. */
const maxPageBytes = 8_000_000;

/** One value of a column, and how many rows have it. */
export type Group = { readonly value: Value; readonly count: number };

/** Reads and writes rows of one table. Names of tables and columns come from the platform's description of the table. */
export class RowsApi {
  private readonly fields: string;
  private readonly lightFields: string;

  constructor(
    private readonly api: Api,
    readonly app: string,
    readonly table: Table,
  ) {
    this.fields = fieldsOf(table.columns);
    this.lightFields = fieldsOf(table.columns.filter(({ type }) => type !== "json" && type !== "text"));
  }

  get organization(): string | null {
    return this.api.organization;
  }

  /** Reads rows. Where they are too large for a page, texts and JSON are left out, and are not among the values. */
  async page(page: Page, signal?: AbortSignal): Promise<Row[]> {
    try {
      return await this.read(page, this.fields, signal);
    } catch (error) {
      if (!(error instanceof TooLargeAnswer)) throw error;
      return this.read(page, this.lightFields, signal);
    }
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
    return Array.isArray(rows) ? rows.flatMap((row) => (isRecord(row) ? [this.readRow(row)] : [])) : [];
  }

  private readRow(row: Record<string, unknown>): Row {
    const labels: Record<string, Value> = {};
    for (const { name, reference } of this.table.columns) {
      const referenced = reference === null ? null : row[reference.relationship];
      if (isRecord(referenced)) labels[name] = readValue(referenced.label, false);
    }
    const values = Object.fromEntries(
      this.table.columns.flatMap(({ name, type }) =>
        name in row ? [[name, readValue(row[name], type === "json")] as const] : [],
      ),
    );
    return { id: String(row.id), updatedAt: String(row.updated_at), values, labels };
  }
}

function selected(where: Where) {
  return Object.keys(where).length === 0 ? { all: true } : { filter: { ...where } };
}

function fieldsOf(columns: readonly Column[]): string {
  const names = new Set(["id", "updated_at", ...columns.map(({ name }) => name)]);
  const references = columns.flatMap(({ reference }) =>
    reference === null ? [] : [`${reference.relationship} { id label: ${reference.label} }`],
  );
  return [...names, ...references].join(" ");
}

function readValues(record: unknown): Record<string, Value> {
  return isRecord(record)
    ? Object.fromEntries(Object.entries(record).map(([name, value]) => [name, readValue(value, false)]))
    : {};
}

/** Returns a cell's value; digits that a double would change become text, but inside of JSON they stay what they are. */
function readValue(value: unknown, isJson: boolean): Value {
  if (!isJson) {
    const digits = exactDigits(value);
    if (digits !== null) return digits;
  }
  return isValue(value) ? value : null;
}
