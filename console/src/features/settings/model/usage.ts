import { locale } from "@/i18n";
import type { Snippet } from "@/ui/AsCode";

/** Returns the height of a bar, in CSS; what is there at all is seen. */
export function heightOf(count: number, highest: number): string {
  return count <= 0 ? "0" : `max(2px, ${(100 * count) / highest}%)`;
}

/** Returns a day (`2026-11-30`) as people write it; days are UTC's. */
export function nameOfDay(day: string): string {
  const format = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });
  return format.format(new Date(`${day}T00:00:00Z`));
}

/** Returns how a program reads the same numbers. */
export function usageSnippets(origin: string, organization: string): Snippet[] {
  const url = JSON.stringify(`${origin}/api/usage/`);
  const named = `"X-Organization-Id": ${JSON.stringify(organization)}`;
  return [
    {
      language: "curl",
      code: [
        `curl '${origin}/api/usage/'`,
        '-H "Authorization: App-Token $APP_TOKEN"',
        `-H 'X-Organization-Id: ${organization}'`,
      ].join(" \\\n  "),
    },
    {
      language: "Python",
      code: `import os

import httpx

headers = {"Authorization": f"App-Token {os.environ['APP_TOKEN']}", ${named}}
usage = httpx.get(${url}, headers=headers).raise_for_status().json()
print(usage["calls_this_month"], usage["days"][-1])`,
    },
    {
      language: "JavaScript",
      code: `const headers = { Authorization: \`App-Token \${process.env.APP_TOKEN}\`, ${named} };
const usage = await (await fetch(${url}, { headers })).json();
console.log(usage.calls_this_month, usage.days.at(-1));`,
    },
  ];
}
