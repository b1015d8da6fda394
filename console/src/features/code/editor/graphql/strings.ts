/** A GraphQL operation in a string of a script: where its text begins and ends, and the text. */
export type Query = { from: number; to: number; text: string };

const quotes = /^([rRuU]?)("""|'''|"|')/;
const beginning = /^\s*(?:#[^\n]*\n\s*)*(?:\{|(?:query|mutation|subscription|fragment)\b)/;
/** `query="…"`, `ORDERS_QUERY = "…"`, `gql("…")`, `graphql("…")` and `graphql("orders", "…")`. */
const asked = /(?:\w*query\s*=\s*|\b(?:gql|graphql)\(\s*(?:["'][\w]*["']\s*,\s*)?)$/i;
/** What the script puts in later, and escapes, whose text is another than what stands there. */
const unfinished = /%[sdr(]|\{\{|\\/;
const maxBefore = 120;

/**
 * Returns the operation that a string literal holds, or null: where neither what is before it nor what it begins with says
 * that it is one, it is a text like any other.
 */
export function queryOf(literal: string, from: number, before: string): Query | null {
  const [open = "", prefix = "", quote = ""] = quotes.exec(literal) ?? [];
  if (open === "" || !asked.test(before.slice(-maxBefore))) return null;
  const isClosed = literal.length >= open.length + quote.length && literal.endsWith(quote);
  const text = literal.slice(open.length, isClosed ? -quote.length : undefined);
  if (!beginning.test(text) || unfinished.test(prefix === "" ? text : text.replaceAll("\\", ""))) return null;
  return { from: from + open.length, to: from + open.length + text.length, text };
}

/** Tells whether a script may hold a query at all. */
export function mayHoldQueries(text: string): boolean {
  return /\b(?:gql|graphql)\(|query\s*=/i.test(text);
}
