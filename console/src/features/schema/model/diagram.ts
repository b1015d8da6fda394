import { Graph, layout } from "@dagrejs/dagre";
import type { TableRead } from "@/features/tables";

type DiagramTable = Pick<TableRead, "id" | "name" | "columns" | "foreign_keys" | "unique">;

/** More tables than these are no picture; the tables around a chosen one are. */
export const maxTables = 200;
/** Columns of a table that are shown; the rest is counted. */
export const maxColumns = 12;

/** The measures of a table in the diagram; `Diagram.module.css` draws lines of this height. */
const width = 220;
const line = 24;
const gap = 32;

export type Place = { x: number; y: number; width: number; height: number };
export type Edge = { from: string; to: string; column: string };

/** Returns the references between the tables, each once for its column. */
export function edgesOf(tables: readonly DiagramTable[]): Edge[] {
  const names = new Set(tables.map(({ name }) => name));
  return tables.flatMap(({ name, foreign_keys }) =>
    foreign_keys
      .filter(({ table }) => names.has(table))
      .map(({ column, table }) => ({ from: name, to: table, column })),
  );
}

/** Returns the table with the most references in both directions, or the first one. */
export function mostConnected(tables: readonly DiagramTable[]): string | null {
  const counts = new Map(tables.map(({ name }) => [name, 0]));
  for (const { from, to } of edgesOf(tables)) {
    for (const name of [from, to]) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const [first] = [...counts].toSorted(([, one], [, other]) => other - one);
  return first?.[0] ?? null;
}

/** Returns a table and those around it, the nearest first, as many as one picture can show. */
export function around<T extends DiagramTable>(tables: readonly T[], name: string): T[] {
  const next = new Map<string, string[]>();
  for (const { from, to } of edgesOf(tables)) {
    next.set(from, [...(next.get(from) ?? []), to]);
    next.set(to, [...(next.get(to) ?? []), from]);
  }
  const reached = new Set([name]);
  for (const each of reached) {
    for (const neighbour of next.get(each) ?? []) if (reached.size < maxTables) reached.add(neighbour);
  }
  return tables.filter((table) => reached.has(table.name));
}

/** Returns the builder's columns that are shown of a table, and how many more it has. */
export function columnsOf(table: DiagramTable): { shown: DiagramTable["columns"]; more: number } {
  const own = table.columns.filter((column) => !column.is_system);
  const shown = own.length > maxColumns ? own.slice(0, maxColumns - 1) : own;
  return { shown, more: own.length - shown.length };
}

/** Returns where each table stands: those that are connected in layers, the others in rows below. */
export function placesOf(tables: readonly DiagramTable[]): Map<string, Place> {
  const edges = edgesOf(tables);
  const connected = new Set(edges.flatMap(({ from, to }) => (from === to ? [] : [from, to])));
  const places = layered(
    tables.filter(({ name }) => connected.has(name)),
    edges,
  );
  const bottom = Math.max(0, ...[...places.values()].map(({ y, height }) => y + height + gap));
  const alone = tables.filter(({ name }) => !connected.has(name));
  const perRow = Math.max(1, Math.ceil(Math.sqrt(alone.length * 2)));
  let y = bottom;
  for (let start = 0; start < alone.length; start += perRow) {
    const row = alone.slice(start, start + perRow);
    row.forEach((table, at) => {
      places.set(table.name, { x: at * (width + gap), y, width, height: heightOf(table) });
    });
    y += Math.max(...row.map(heightOf)) + gap;
  }
  return places;
}

function layered(tables: readonly DiagramTable[], edges: readonly Edge[]): Map<string, Place> {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: gap, ranksep: gap * 3 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const table of tables) graph.setNode(table.name, { width, height: heightOf(table) });
  for (const { from, to, column } of edges) if (from !== to) graph.setEdge(from, to, {}, column);
  if (tables.length > 0) layout(graph);
  return new Map(
    tables.map((table) => {
      // The layout gives the middle of each.
      const { x, y } = graph.node(table.name);
      const height = heightOf(table);
      return [table.name, { x: x - width / 2, y: y - height / 2, width, height }];
    }),
  );
}

function heightOf(table: DiagramTable): number {
  const { shown, more } = columnsOf(table);
  return line * (1 + shown.length + (more > 0 ? 1 : 0)) + 10;
}
