/** Colours of terminals; each is shown in a role of our own. */
export type AnsiColor = "red" | "green" | "yellow" | "blue" | "magenta" | "cyan" | "muted";
export type AnsiStyle = { color: AnsiColor | null; isBold: boolean; isUnderlined: boolean };
export type AnsiPart = AnsiStyle & { text: string };

const plain: AnsiStyle = { color: null, isBold: false, isUnderlined: false };
/** By the last digit of the codes 30 to 37 and 90 to 97; black and white are the page's own text. */
const palette: readonly (AnsiColor | null)[] = [null, "red", "green", "yellow", "blue", "magenta", "cyan", null];
// Control sequences (with parameters), operating system commands (titles, links), single escapes, control characters.
const escapes = new RegExp(
  [
    "\\u001b\\[([0-9;:?<=>]*)[ -/]*([@-~])",
    "\\u001b\\][^\\u0007\\u001b]*(?:\\u0007|\\u001b\\\\)?",
    "\\u001b[0-9=>@-Zc\\\\-_]?",
    "[\\u0000-\\u0008\\u000b-\\u001a\\u007f]",
  ].join("|"),
  "g",
);

/** Divides a line into parts by its colour codes; every other control sequence is left out. The text is never markup. */
export function ansiParts(line: string): AnsiPart[] {
  const parts: AnsiPart[] = [];
  let style = plain;
  let from = 0;
  const add = (text: string) => {
    if (text !== "") parts.push({ ...style, text });
  };
  for (const match of line.matchAll(escapes)) {
    add(line.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] === "m") style = styled(style, match[1] ?? "");
  }
  add(line.slice(from));
  return parts;
}

/** Returns a line without its control sequences. */
export function plainText(line: string): string {
  return line.replace(escapes, "");
}

function styled(before: AnsiStyle, parameters: string): AnsiStyle {
  let style = before;
  const codes = parameters.split(/[;:]/).map(Number);
  for (let index = 0; index < codes.length; index += 1) {
    const code = codes[index] ?? 0;
    if (code === 0) style = plain;
    else if (code === 1) style = { ...style, isBold: true };
    else if (code === 2) style = { ...style, color: "muted" };
    else if (code === 4) style = { ...style, isUnderlined: true };
    else if (code === 22) style = { ...style, isBold: false };
    else if (code === 24) style = { ...style, isUnderlined: false };
    else if (code === 39) style = { ...style, color: null };
    else if (code === 90) style = { ...style, color: "muted" };
    else if ((code >= 30 && code <= 37) || (code > 90 && code <= 97))
      style = { ...style, color: palette[code % 10] ?? null };
    // Colours of 256 or 16 million are not ours to show; their parameters are no codes.
    else if (code === 38 || code === 48) index += codes[index + 1] === 2 ? 4 : 2;
  }
  return style;
}
