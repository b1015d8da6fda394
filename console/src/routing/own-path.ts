/** Returns `target` if it is a path of this platform, else `/`: a sign-in must not lead to a foreign page. */
export function ownPath(target: string | undefined): string {
  if (target === undefined || !/^\/(?![/\\])/.test(target)) return "/";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a browser drops them, and `/<tab>/host` becomes `//host`
  if (/[\u0000-\u001f\u007f]/.test(target)) return "/";
  const url = new URL(target, "http://own.invalid");
  return url.host === "own.invalid" ? target : "/";
}
