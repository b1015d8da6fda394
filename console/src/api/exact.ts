/** Digits of a number as the server wrote them, where a double would change them. `JSON.stringify` writes them so. */
type RawNumber = { readonly rawJSON: string };

declare global {
  // Newer than the types of the language; a browser without them rounds, as every page does.
  interface JSON {
    rawJSON?: (digits: string) => RawNumber;
    isRawJSON?: (value: unknown) => value is RawNumber;
  }
}

/** Reads JSON. A number whose writing a double does not keep, as 19.90 or one of 20 digits, keeps its digits. */
export function parseExact(text: string): unknown {
  const make = JSON.rawJSON;
  if (make === undefined) return JSON.parse(text);
  const revive = (_key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === "number" && context?.source !== undefined && String(value) !== context.source
      ? make(context.source)
      : value;
  return JSON.parse(text, revive);
}

/** Returns the digits if `value` is a number that was kept exactly. */
export function exactDigits(value: unknown): string | null {
  return JSON.isRawJSON?.(value) === true ? value.rawJSON : null;
}
