/** A number as a spreadsheet holds it, and the text by which it showed it: `1.234,50 €`, `45000` as a date. */
export type Exact = { readonly text: string; readonly number: string };

/** What a clipboard holds for one cell: a text, a number with its text, or NULL. */
export type Copied = string | null | Exact;

/** Rows of cells. */
export type Cells = readonly (readonly Copied[])[];

/** Writes cells as spreadsheets do: tabs and line ends between, cells that hold one of them in quotes. */
export function toTsv(cells: Cells): string {
  return cells.map((row) => row.map((cell) => quote(textOf(cell))).join("\t")).join("\r\n");
}

export function textOf(cell: Copied): string {
  return cell === null ? "" : typeof cell === "string" ? cell : cell.text;
}

function quote(text: string): string {
  return /[\t\r\n"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Reads what a spreadsheet put on the clipboard. All rows get the width of the widest. */
export function fromTsv(text: string): string[][] {
  const rows: string[][] = [[]];
  let cell = "";
  let isQuoted = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (isQuoted) {
      if (character !== '"') cell += character;
      else if (text.charAt(index + 1) === '"') {
        cell += '"';
        index += 1;
      } else isQuoted = false;
    } else if (character === '"' && cell === "" && hasClosing(text, index)) isQuoted = true;
    else if (character === "\t") {
      rows.at(-1)?.push(cell);
      cell = "";
    } else if (character === "\n" || character === "\r") {
      if (character === "\r" && text.charAt(index + 1) === "\n") index += 1;
      rows.at(-1)?.push(cell);
      rows.push([]);
      cell = "";
    } else cell += character;
  }
  rows.at(-1)?.push(cell);
  // A line end after the last row begins no other row.
  const last = rows.at(-1);
  if (rows.length > 1 && last?.length === 1 && last[0] === "" && !text.endsWith('"')) rows.pop();
  return padded(rows);
}

/** Gives all rows the width of the widest. */
export function padded<T>(rows: readonly (readonly (T | string)[])[]): (T | string)[][] {
  const width = rows.reduce((widest, row) => Math.max(widest, row.length), 0);
  return rows.map((row) => [...row, ...Array<string>(width - row.length).fill("")]);
}

/** Tells whether the quote at `start` is closed before a tab, a line end or the end: `5" screen` is only text. */
function hasClosing(text: string, start: number): boolean {
  for (let index = text.indexOf('"', start + 1); index !== -1; index = text.indexOf('"', index + 2)) {
    const next = text.charAt(index + 1);
    if (next === "" || next === "\t" || next === "\r" || next === "\n") return true;
    if (next !== '"') return false;
  }
  return false;
}

/** Repeats cells to fill a range that is a multiple of them, as spreadsheets do; else returns them as they are. */
export function tile(cells: Cells, height: number, width: number): Cells {
  const [rows, columns] = [cells.length, cells[0]?.length ?? 0];
  if (rows === 0 || columns === 0 || height % rows !== 0 || width % columns !== 0) return cells;
  return Array.from({ length: height }, (_, row) =>
    Array.from({ length: width }, (_, column) => cells[row % rows]?.[column % columns] ?? null),
  );
}
