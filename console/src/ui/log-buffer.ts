import { plainText } from "./ansi";

export type LogEntry = { number: number; text: string };

const maxLines = 100_000;
const maxCharacters = 64_000_000;
const fault = /^Traceback \(most recent call last\)|^[\w.]*(?:Error|Exception)\b|\b(?:ERROR|CRITICAL|FATAL)\b/;

/** Ten times a second at most, and not between a key and what it shows: typing goes before a log. */
function atRest(tell: () => void): void {
  window.setTimeout(() => requestIdleCallback(tell, { timeout: 200 }), 100);
}

/**
 * Holds the lines of a log outside of React: many may come at once, and only those on the screen are shown. Beyond
 * 100,000 lines or 64 million characters the oldest are given up; `dropped` counts them.
 */
export class LogBuffer {
  private lines: string[] = [];
  private characters = 0;
  private dropped = 0;
  private version = 0;
  private searched = 0;
  private faultAt: number | null = null;
  private isTelling = false;
  private readonly listeners = new Set<() => void>();

  /** `soon` runs what shows the change; at most one waits at a time. */
  constructor(private readonly soon: (tell: () => void) => void = atRest) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Changes with every line. */
  readonly read = (): number => this.version;

  get length(): number {
    return this.lines.length;
  }

  /** How many lines at the beginning were given up. */
  get lost(): number {
    return this.dropped;
  }

  at(index: number): string {
    return this.lines[index] ?? "";
  }

  append(texts: readonly string[]): void {
    for (const text of texts) {
      for (const line of text.split("\n")) {
        this.lines.push(line);
        this.characters += line.length;
      }
    }
    if (this.lines.length > maxLines * 1.1 || this.characters > maxCharacters) this.shrink();
    this.changed();
  }

  /** Empties it; `skipped` lines come before the first that will be added. */
  clear(skipped = 0): void {
    this.lines = [];
    this.characters = 0;
    this.dropped = skipped;
    this.searched = skipped;
    this.faultAt = null;
    this.changed();
  }

  /** Returns the place of the first line that tells of an error; null when none does, so far. */
  firstFault(): number | null {
    const begin = Math.max(0, this.searched - this.dropped);
    if (this.faultAt === null) {
      const found = this.lines.findIndex((line, index) => index >= begin && fault.test(plainText(line)));
      if (found >= 0) this.faultAt = found + this.dropped;
      this.searched = this.lines.length + this.dropped;
    }
    return this.faultAt === null ? null : Math.max(0, this.faultAt - this.dropped);
  }

  /** Returns the places of lines that contain `text`, in any case, without their colour codes. */
  find(text: string): number[] {
    const searched = text.toLocaleLowerCase();
    if (searched === "") return [];
    const found: number[] = [];
    this.lines.forEach((line, index) => {
      if (plainText(line).toLocaleLowerCase().includes(searched)) found.push(index);
    });
    return found;
  }

  all(): string {
    return `${this.lines.join("\n")}\n`;
  }

  private shrink(): void {
    let from = Math.max(0, this.lines.length - maxLines);
    for (let index = 0; index < from; index += 1) this.characters -= this.at(index).length;
    while (this.characters > maxCharacters && from < this.lines.length - 1) {
      this.characters -= this.at(from).length;
      from += 1;
    }
    this.lines = this.lines.slice(from);
    this.dropped += from;
  }

  private changed(): void {
    this.version += 1;
    if (this.isTelling) return;
    this.isTelling = true;
    this.soon(() => {
      this.isTelling = false;
      for (const listener of this.listeners) listener();
    });
  }
}
