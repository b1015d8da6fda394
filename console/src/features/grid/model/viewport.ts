/** Browsers lay out nothing taller than about 33 million pixels, and transforms are exact up to 16. */
export const maxHeight = 15_000_000;

export type Rows = { readonly count: number; readonly height: number };

/** What of the rows is in view. `shift` is subtracted from a row's place to get its place in the scroller. */
export type View = { readonly first: number; readonly last: number; readonly shift: number };

export function heightOf(rows: Rows): number {
  return Math.min(rows.count * rows.height, maxHeight);
}

/** Returns the rows in view, with `overscan` more at both ends. Beyond `maxHeight` the scroll bar is a scale. */
export function viewAt(scrollTop: number, viewHeight: number, rows: Rows, overscan: number): View {
  const shift = shiftAt(scrollTop, viewHeight, rows);
  const top = scrollTop + shift;
  return {
    first: Math.max(0, Math.floor(top / rows.height) - overscan),
    last: Math.min(rows.count - 1, Math.ceil((top + viewHeight) / rows.height) - 1 + overscan),
    shift,
  };
}

function shiftAt(scrollTop: number, viewHeight: number, rows: Rows): number {
  const [full, laid] = [rows.count * rows.height, heightOf(rows)];
  if (full <= laid || laid <= viewHeight) return 0;
  const part = Math.min(1, Math.max(0, scrollTop / (laid - viewHeight)));
  return Math.round(part * (full - laid));
}

/** Returns where to scroll so that a row is wholly in view, or null if it is. */
export function scrollTo(row: number, scrollTop: number, viewHeight: number, rows: Rows): number | null {
  const top = scrollTop + shiftAt(scrollTop, viewHeight, rows);
  const [rowTop, rowBottom] = [row * rows.height, (row + 1) * rows.height];
  if (rowTop >= top && rowBottom <= top + viewHeight) return null;
  const target = rowTop < top ? rowTop : rowBottom - viewHeight;
  const [full, laid] = [rows.count * rows.height, heightOf(rows)];
  if (full <= laid) return target;
  return (target / (full - viewHeight)) * (laid - viewHeight);
}

/** Returns the left edge of each column, and the right edge of the last. */
export function edgesOf(widths: readonly number[]): number[] {
  const edges = [0];
  for (const width of widths) edges.push((edges.at(-1) ?? 0) + width);
  return edges;
}

/** Returns the first and last column in view, with one more at both ends. */
export function columnsAt(edges: readonly number[], scrollLeft: number, viewWidth: number): [number, number] {
  return [
    Math.max(0, columnAt(edges, scrollLeft) - 1),
    Math.min(edges.length - 2, columnAt(edges, scrollLeft + viewWidth) + 1),
  ];
}

/** Returns the column at a place, the nearest one outside of the grid. */
export function columnAt(edges: readonly number[], left: number): number {
  let [low, high] = [0, edges.length - 2];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((edges[middle] ?? 0) <= left) low = middle;
    else high = middle - 1;
  }
  return Math.max(0, low);
}
