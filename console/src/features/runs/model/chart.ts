import type { Rows } from "./results";

/** Of more rows only the first are drawn: bars would be thinner than a pixel. */
export const maxPoints = { bar: 200, line: 2000 } as const;
export type Kind = keyof typeof maxPoints;

/** Which columns can be drawn, and what is drawn first. */
export type Choices = { values: string[]; labels: string[]; times: string[] };
export type Point = { label: string; value: number; at: number | null };
export type Points = { points: Point[]; left: number };

const decimal = /^-?(0|[1-9]\d*)(\.\d+)?$/;
const isoTime = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}|$)/;

/** Returns the columns of numbers, of labels and of times; null where there is nothing to draw. */
export function choicesOf({ columns, rows }: Rows): Choices | null {
  const are = (column: string, is: (value: unknown) => boolean) => {
    const filled = rows.map((row) => row[column]).filter((value) => value !== null && value !== undefined);
    return filled.length > 0 && filled.every(is);
  };
  const times = columns.filter((column) => are(column, (value) => timeOf(value) !== null));
  const values = columns.filter((column) => are(column, (value) => numberOf(value) !== null));
  const labels = columns.filter((column) => are(column, (value) => typeof value !== "object"));
  return values.length === 0 || labels.length < 2 ? null : { values, labels, times };
}

/** Returns what is drawn before anybody has chosen: over time where there is one, else by the first column of texts. */
export function firstChoice({ values, labels, times }: Choices): { kind: Kind; label: string; value: string } {
  const label = times[0] ?? labels.find((column) => !values.includes(column)) ?? labels[0] ?? "";
  const value = values.find((column) => column !== label && !isKey(column)) ?? values.find((it) => it !== label);
  return { kind: times.includes(label) ? "line" : "bar", label, value: value ?? label };
}

/** Returns what is drawn, times in their order; a row without a number is left out. */
export function pointsOf({ rows }: Rows, label: string, value: string, kind: Kind, isTime: boolean): Points {
  const points = rows.flatMap((row) => {
    const number = numberOf(row[value]);
    if (number === null) return [];
    return [{ label: String(row[label] ?? ""), value: number, at: isTime ? timeOf(row[label]) : null }];
  });
  const placed = isTime ? points.filter(({ at }) => at !== null) : points;
  if (isTime) placed.sort((one, other) => (one.at ?? 0) - (other.at ?? 0));
  return { points: placed.slice(0, maxPoints[kind]), left: Math.max(0, placed.length - maxPoints[kind]) };
}

/** Returns round numbers from below the lowest to above the highest value; zero is always among them. */
export function ticksOf(points: readonly Point[]): number[] {
  const values = points.map(({ value }) => value);
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const span = high - low || 1;
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? 10 * power;
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step));
  // By multiplication: sums of 0.1 drift.
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

function numberOf(value: unknown): number | null {
  const read = typeof value === "string" && decimal.test(value) ? Number(value) : value;
  return typeof read === "number" && Number.isFinite(read) ? read : null;
}

function timeOf(value: unknown): number | null {
  if (typeof value !== "string" || !isoTime.test(value)) return null;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : at;
}

function isKey(column: string): boolean {
  return column === "id" || column.endsWith("_id");
}
