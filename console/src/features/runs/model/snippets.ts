import type { Snippet } from "@/ui/AsCode";
import type { RunFilters } from "./filters";

/** Returns how a program reads the runs of a list. */
export function listSnippets(app: string | null, filters: RunFilters): Snippet[] {
  const query = new URLSearchParams({ limit: "50", cursor: "" });
  for (const [name, value] of Object.entries({ ...filters, ...(app === null ? {} : { app }) })) {
    for (const item of [value].flat()) query.append(name, String(item));
  }
  return readings(`/api/actions/runs/?${query}`);
}

/** Returns how a program reads one run. */
export function runSnippets(run: number): Snippet[] {
  return readings(`/api/actions/runs/${run}/`);
}

function readings(path: string): Snippet[] {
  const url = window.location.origin + path;
  return [
    { language: "curl", code: `curl '${url}' \\\n  --header "Authorization: Bearer $APP_TOKEN"\n` },
    {
      language: "Python",
      code: [
        "import os",
        "import httpx",
        "",
        'headers = {"Authorization": f"Bearer {os.environ[\'APP_TOKEN\']}"}',
        `print(httpx.get("${url}", headers=headers).raise_for_status().json())`,
        "",
      ].join("\n"),
    },
    {
      language: "JavaScript",
      code: [
        `const response = await fetch("${url}", {`,
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the program's own template
        "  headers: { Authorization: `Bearer ${process.env.APP_TOKEN}` },",
        "});",
        "console.log(await response.json());",
        "",
      ].join("\n"),
    },
  ];
}
