/** Returns the address of the script that a document of the console begins with: it changes with each build. */
export function entryOf(html: string): string | null {
  return /<script type="module"[^>]* src="([^"]+)"/.exec(html)?.[1] ?? null;
}

/** Tells whether the server has another build of the console than this page; null where it cannot be asked. */
export async function isOutdated(own: Document): Promise<boolean | null> {
  try {
    const answer = await fetch("/", { headers: { Accept: "text/html" }, cache: "no-store" });
    const theirs = answer.ok ? entryOf(await answer.text()) : null;
    const here = own.querySelector('script[type="module"]')?.getAttribute("src") ?? null;
    return theirs === null ? null : theirs !== here;
  } catch {
    return null;
  }
}
