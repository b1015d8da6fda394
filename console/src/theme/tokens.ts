/** The only place with raw values: colours as [light, dark], sizes in pixels. Everything else names a role. */

/** Mantine's indigo, green, orange, red, blue and grape; the index is the shade. */
export const colors = {
  canvas: ["#ffffff", "#16181d"],
  raised: ["#f7f8fa", "#1d2026"],
  hover: ["#eef0f4", "#262a32"],
  line: ["#dfe3e8", "#30343c"],
  control: ["#868e96", "#70767f"],
  text: ["#1b1f24", "#e6e8eb"],
  muted: ["#57606a", "#9aa4b2"],
  accent: ["#4263eb", "#3b5bdb"],
  accentText: ["#ffffff", "#ffffff"],
  accentSoft: ["#edf2ff", "#232b47"],
  link: ["#3b5bdb", "#748ffc"],
  ok: ["#237a36", "#69db7c"],
  warn: ["#b53a0b", "#ffa94d"],
  error: ["#c92a2a", "#ff8787"],
  running: ["#1864ab", "#4dabf7"],
  waiting: ["#9c36b5", "#da77f2"],
} as const satisfies Record<string, readonly [string, string]>;

export type ColorRole = keyof typeof colors;

/** Pairs that must be readable: text on a ground (4.5:1), and lines of controls (3:1). */
export const readable: readonly { text: ColorRole; ground: ColorRole; min: number }[] = [
  ...(["canvas", "raised", "hover"] as const).flatMap((ground) =>
    (["text", "muted", "link", "ok", "warn", "error", "running", "waiting"] as const).map((text) => ({
      text,
      ground,
      min: 4.5,
    })),
  ),
  { text: "accentText", ground: "accent", min: 4.5 },
  { text: "link", ground: "accentSoft", min: 4.5 },
  { text: "text", ground: "accentSoft", min: 4.5 },
  { text: "control", ground: "canvas", min: 3 },
  { text: "control", ground: "raised", min: 3 },
];

export const space = [4, 8, 12, 16, 24, 32] as const;
export const fontSizes = [12, 13, 14, 16, 20, 28] as const;
export const rowHeights = { compact: 28, default: 34, roomy: 44 } as const;
export const fonts = {
  text: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif',
  code: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
} as const;
