import { type Cells, type Copied, padded, textOf } from "./clipboard";

/** What a table of this grid is marked by: its texts are exact, and NULL is not an empty text. */
const ownMark = "data-automio";
/** A web page may say that a cell spans a million rows; no table here has more columns. */
const maxSpan = 2_000;

/** Writes cells as a table for word processors and mails, and for `fromHtml`. */
export function toHtml(cells: Cells): string {
  const rows = cells.map((row) => `<tr>${row.map(cellHtml).join("")}</tr>`);
  return `<table ${ownMark}>${rows.join("")}</table>`;
}

function cellHtml(cell: Copied): string {
  return cell === null ? "<td data-null></td>" : `<td>${escapeHtml(textOf(cell))}</td>`;
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;" };
  return text.replace(/[&<>"\r]/g, (character) => entities[character] ?? character).replaceAll("\n", "<br>");
}

/**
 * Reads the only table of what a spreadsheet or a web page copied; null if there is none, several, or text beside it,
 * which the plain text then has. Parsed apart from the page: nothing of it is loaded, run or shown.
 */
export function fromHtml(html: string): Cells | null {
  if (!/<table/i.test(html)) return null;
  const document = new DOMParser().parseFromString(inert(html), "text/html");
  for (const element of document.querySelectorAll("script, style, template, title, noscript")) element.remove();
  const [table, ...others] = [...document.querySelectorAll("table")].filter(
    (one) => one.parentElement?.closest("table") === null,
  );
  if (table === undefined || others.length > 0 || hasTextBeside(table, document.body)) return null;
  const rows = [...table.querySelectorAll("tr")].filter((row) => row.closest("table") === table && !isHidden(row));
  if (rows.length === 0) return null;
  const isOwn = table.hasAttribute(ownMark);
  return layOut(
    rows.map((row) =>
      [...row.children].flatMap((cell) =>
        isHidden(cell) || !(cell instanceof HTMLTableCellElement)
          ? []
          : [{ content: contentOf(cell, isOwn), height: spanOf(cell.rowSpan), width: spanOf(cell.colSpan) }],
      ),
    ),
  );
}

/** The page's policy reports styles and handlers also in a document that is only read; renamed, styles can be asked for. */
function inert(html: string): string {
  return html
    .replace(/<style\b[\s\S]*?<\/style\s*>/gi, "")
    .replace(/<(?:"[^"]*"|'[^']*'|[^'">])*>/g, (tag) => tag.replace(/([\s/"'])(style|on\w+)(\s*=)/gi, "$1 data-$2$3"));
}

function hasTextBeside(table: Element, body: Element): boolean {
  return (body.textContent ?? "").replace(/\s/g, "").length > (table.textContent ?? "").replace(/\s/g, "").length;
}

function isHidden(element: Element): boolean {
  return element.hasAttribute("hidden") || /display\s*:\s*none/i.test(element.getAttribute("data-style") ?? "");
}

function spanOf(span: number): number {
  return Math.max(1, span);
}

function contentOf(cell: Element, isOwn: boolean): Copied {
  if (isOwn) return cell.hasAttribute("data-null") ? null : linesOf(cell);
  const sheet = sheetValue(cell.getAttribute("data-sheets-value"));
  if (typeof sheet === "string") return sheet;
  const text = tidy(linesOf(cell, true));
  // Excel, LibreOffice and Google Sheets say in this order what number is shown by the text.
  const number = cell.getAttribute("x:num") || cell.getAttribute("sdval") || String(sheet ?? "");
  return isNumber(number) ? { text, number: plain(number) } : text;
}

/** Returns the text with a line end for each `<br>` and between paragraphs. */
function linesOf(node: Node, isCollapsed = false): string {
  let text = "";
  for (const child of node.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) {
      text += isCollapsed ? (child.nodeValue ?? "").replace(/[ \t\r\n\f]+/g, " ") : (child.nodeValue ?? "");
    } else if (child instanceof HTMLBRElement) text += "\n";
    else if (child instanceof HTMLElement && !isHidden(child)) {
      const inner = linesOf(child, isCollapsed);
      const isBlock = /^(P|DIV|LI|TR|H[1-6]|PRE|BLOCKQUOTE|UL|OL|TABLE)$/.test(child.tagName);
      text += isBlock && text.trim() !== "" && !text.endsWith("\n") ? `\n${inner}` : inner;
    }
  }
  return text;
}

function tidy(text: string): string {
  return text
    .replaceAll("\u00a0", " ")
    .replace(/ *\n */g, "\n")
    .trim();
}

/** Reads Google's note of a value: `{"1": 3, "3": 45000}` is a number, with 2 a text. */
function sheetValue(note: string | null): string | number | null {
  try {
    const value: unknown = JSON.parse(note ?? "null");
    if (typeof value !== "object" || value === null) return null;
    if ("3" in value && typeof value[3] === "number") return value[3];
    return "2" in value && typeof value[2] === "string" ? value[2] : null;
  } catch {
    return null;
  }
}

function isNumber(text: string): boolean {
  return /^-?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i.test(text.trim());
}

/** Writes digits without an exponent where a number has one. */
function plain(number: string): string {
  const trimmed = number.trim();
  return /e/i.test(trimmed)
    ? Number(trimmed).toLocaleString("en", { useGrouping: false, maximumFractionDigits: 20 })
    : trimmed;
}

type Spanning = { readonly content: Copied; readonly height: number; readonly width: number };

/** Puts cells in their places: one that spans several has its content in the first, and the others are empty. */
export function layOut(rows: readonly (readonly Spanning[])[]): Cells {
  const places: Copied[][] = rows.map(() => []);
  rows.forEach((row, top) => {
    let left = 0;
    for (const { content, height, width } of row) {
      while (places[top]?.[left] !== undefined) left += 1;
      for (let index = top; index < Math.min(rows.length, top + height); index += 1) {
        for (let position = left; position < Math.min(left + width, maxSpan); position += 1) {
          const line = places[index];
          if (line !== undefined) line[position] = index === top && position === left ? content : "";
        }
      }
    }
  });
  // Between cells that span rows there may be places without any.
  return padded(places.map((row) => Array.from(row, (cell) => (cell === undefined ? "" : cell))));
}
