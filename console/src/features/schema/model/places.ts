import { columnsOf, type DiagramTable, edgesOf } from "./diagram";

/** The measures of a table in the diagram; `Diagram.module.css` draws lines of this height. */
const width = 220;
const line = 24;
const gap = 32;
const sweeps = 4;

export type Place = { x: number; y: number; width: number; height: number };

type Links = ReadonlyMap<string, readonly string[]>;

/**
 * Returns where each table stands: those that are connected in layers from left to right, as references lead, the
 * others in rows below. Libraries for this take seconds for 200 tables, as they also bend lines around tables.
 */
export function placesOf(tables: readonly DiagramTable[]): Map<string, Place> {
  const edges = edgesOf(tables).filter(({ from, to }) => from !== to);
  const targets = linksOf(edges.map(({ from, to }) => [from, to]));
  const sources = linksOf(edges.map(({ from, to }) => [to, from]));
  const isConnected = ({ name }: DiagramTable) => targets.has(name) || sources.has(name);
  const sizes = new Map(tables.map((table) => [table.name, heightOf(table)]));
  const layers = layersOf(tables.filter(isConnected), targets);
  arrange(layers, targets, sources);
  const places = inColumns(layers, sizes);
  const bottom = Math.max(0, ...[...places.values()].map(({ y, height }) => y + height + gap));
  const alone = tables.filter((table) => !isConnected(table)).map(({ name }) => name);
  return new Map([...places, ...inRows(alone, sizes, bottom)]);
}

function linksOf(pairs: readonly (readonly [string, string])[]): Links {
  const links = new Map<string, string[]>();
  for (const [from, to] of pairs) links.set(from, [...(links.get(from) ?? []), to]);
  return links;
}

/** Returns the tables by how far references lead from them, the farthest first; a circle is cut somewhere. */
function layersOf(tables: readonly DiagramTable[], targets: Links): string[][] {
  const levels = new Map<string, number>();
  const levelOf = (name: string): number => {
    const known = levels.get(name);
    if (known !== undefined) return known;
    // Whoever comes back here while it is looked at is part of a circle.
    levels.set(name, 0);
    const level = 1 + Math.max(-1, ...(targets.get(name) ?? []).map(levelOf));
    levels.set(name, level);
    return level;
  };
  const deepest = Math.max(0, ...tables.map(({ name }) => levelOf(name)));
  const layers: string[][] = Array.from({ length: deepest + 1 }, () => []);
  for (const { name } of tables) layers[deepest - levelOf(name)]?.push(name);
  return layers;
}

/** Orders the tables of each layer by where those stand that they are connected with. */
function arrange(layers: string[][], targets: Links, sources: Links): void {
  const ranks = new Map<string, number>();
  const remember = (layer: readonly string[]) => {
    layer.forEach((name, at) => {
      ranks.set(name, at / layer.length);
    });
  };
  layers.forEach(remember);
  for (let sweep = 0; sweep < sweeps; sweep += 1) {
    const links = sweep % 2 === 0 ? sources : targets;
    for (const layer of sweep % 2 === 0 ? layers : layers.toReversed()) {
      const middles = new Map(layer.map((name) => [name, middleOf(links.get(name) ?? [name], ranks)]));
      layer.sort((one, other) => (middles.get(one) ?? 0) - (middles.get(other) ?? 0));
      remember(layer);
    }
  }
}

function middleOf(names: readonly string[], ranks: ReadonlyMap<string, number>): number {
  return names.reduce((sum, name) => sum + (ranks.get(name) ?? 0), 0) / names.length;
}

/** Places the layers beside each other, each centred; a layer that would be very tall takes several columns. */
function inColumns(layers: readonly (readonly string[])[], sizes: ReadonlyMap<string, number>): Map<string, Place> {
  const heights = [...sizes.values()].map((height) => height + gap);
  const area = heights.reduce((sum, height) => sum + height * (width + gap * 3), 0);
  const tallest = Math.max(Math.sqrt(area), ...heights);
  const columns = layers.flatMap((layer) => split(layer, sizes, tallest));
  const totals = columns.map((column) => column.reduce((sum, name) => sum + (sizes.get(name) ?? 0) + gap, 0));
  const highest = Math.max(0, ...totals);
  const places = new Map<string, Place>();
  columns.forEach((column, at) => {
    let y = (highest - (totals[at] ?? 0)) / 2;
    for (const name of column) {
      const height = sizes.get(name) ?? 0;
      places.set(name, { x: at * (width + gap * 3), y, width, height });
      y += height + gap;
    }
  });
  return places;
}

function split(layer: readonly string[], sizes: ReadonlyMap<string, number>, tallest: number): string[][] {
  const columns: string[][] = [];
  let room = 0;
  for (const name of layer) {
    const height = (sizes.get(name) ?? 0) + gap;
    const last = columns.at(-1);
    if (last === undefined || height > room) {
      columns.push([name]);
      room = tallest - height;
    } else {
      last.push(name);
      room -= height;
    }
  }
  return columns;
}

function inRows(names: readonly string[], sizes: ReadonlyMap<string, number>, top: number): Map<string, Place> {
  const perRow = Math.max(4, Math.ceil(Math.sqrt(names.length * 2)));
  const places = new Map<string, Place>();
  let y = top;
  for (let start = 0; start < names.length; start += perRow) {
    const row = names.slice(start, start + perRow);
    row.forEach((name, at) => {
      places.set(name, { x: at * (width + gap), y, width, height: sizes.get(name) ?? 0 });
    });
    y += Math.max(...row.map((name) => sizes.get(name) ?? 0)) + gap;
  }
  return places;
}

function heightOf(table: DiagramTable): number {
  const { shown, more } = columnsOf(table);
  return line * (1 + shown.length + (more > 0 ? 1 : 0)) + 10;
}
