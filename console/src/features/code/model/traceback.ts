/** A place in a source file that a traceback names. */
export type Frame = { path: string; line: number; name: string };

/** Returns the frames of a Python traceback that lie in files of the app, outermost first. */
export function framesOf(traceback: string, paths: ReadonlySet<string>): Frame[] {
  const found: Frame[] = [];
  for (const match of traceback.matchAll(/^\s*File "([^"\n]+)", line (\d+)(?:, in (.+))?$/gm)) {
    const [, path, line, name] = match;
    if (path !== undefined && paths.has(path)) found.push({ path, line: Number(line), name: name ?? "" });
  }
  return found;
}

/** Returns the last line of a traceback: what was wrong. */
export function messageOfTraceback(traceback: string): string {
  return traceback.trimEnd().split("\n").at(-1) ?? "";
}
