/** Names of keys as commands have them: `mod+k`, `shift+f`, `?`, or a sequence such as `g h`. `mod` is Ctrl, or Cmd on a Mac. */

type Pressed = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">;

export const isMac: boolean = /Mac|iPhone|iPad/.test(navigator.platform);

/** Returns the name of what was pressed, or null for a modifier alone. */
export function pressedName(event: Pressed): string | null {
  if (["Control", "Shift", "Alt", "Meta", "AltGraph", "Dead", "Process"].includes(event.key)) return null;
  const key = event.key === " " ? "space" : event.key.toLowerCase();
  // Shift is part of the character for `?`, `%`, …, and a modifier for letters and named keys.
  const hasShift = event.shiftKey && (key.length > 1 || /\p{L}/u.test(key));
  const mod = event.ctrlKey || event.metaKey;
  return [mod && "mod", event.altKey && "alt", hasShift && "shift", key].filter(Boolean).join("+");
}

/** Tells whether keys without a modifier are text here. */
export function takesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button", "submit"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
}

/** Tells whether a command's first key has no Ctrl, Cmd or Alt: such keys can be switched off. */
export function isSingle(keys: string): boolean {
  const first = keys.split(" ")[0] ?? "";
  return !/(^|\+)(mod|alt)\+/.test(first) && !/^f\d+$/.test(first);
}

/** Returns keys as a person reads them: `Ctrl K`, `g then h`. */
export function shownKeys(keys: string): string[] {
  const names: Record<string, string> = {
    mod: isMac ? "⌘" : "Ctrl",
    alt: isMac ? "⌥" : "Alt",
    shift: "Shift",
    enter: "Enter",
    escape: "Esc",
    space: "Space",
    arrowup: "↑",
    arrowdown: "↓",
  };
  return keys
    .split(" ")
    .flatMap((chord) =>
      chord === "+" ? ["+"] : chord.split("+").map((key) => names[key] ?? (key.length === 1 ? key : key.toUpperCase())),
    );
}

/** Finds what a series of presses means. Keeps the beginning of a sequence until `waitMs` after the last key. */
export class KeyMatcher {
  private begun: string[] = [];
  private last = 0;

  constructor(private readonly waitMs = 1200) {}

  /** Returns the keys of the command that is complete now, or null. */
  press(name: string, at: number, known: readonly string[]): string | null {
    if (at - this.last > this.waitMs) this.begun = [];
    this.last = at;
    for (const pressed of [[...this.begun, name], [name]]) {
      const keys = pressed.join(" ");
      if (known.includes(keys)) {
        this.begun = [];
        return keys;
      }
      if (known.some((other) => other.startsWith(`${keys} `))) {
        this.begun = pressed;
        return null;
      }
    }
    this.begun = [];
    return null;
  }
}
