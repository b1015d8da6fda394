import type { Snippet } from "@/ui/AsCode";
import { shell } from "@/ui/literals";
import type { ShownRows } from "./shown-rows";

type About = { origin: string; organization: string; fields: Record<string, string>; fileName: string };

/** Returns how a program sends the same file with the same choices. */
export function uploadSnippets(path: string, { origin, organization, fields, fileName }: About): Snippet[] {
  const sent = Object.entries(fields).filter(([name]) => name !== "key");
  const curl = [
    `curl ${shell(origin + path)}`,
    '-H "Authorization: App-Token $APP_TOKEN"',
    `-H ${shell(`X-Organization-Id: ${organization}`)}`,
    ...sent.map(([name, value]) => `--form-string ${shell(`${name}=${value}`)}`),
    // A name with a quote or a semicolon means something to curl.
    `-F ${shell(`file=@${/^[\w. -]+$/.test(fileName) ? fileName : "file.csv"}`)}`,
  ].join(" \\\n  ");
  const data = JSON.stringify(Object.fromEntries(sent), null, 4);
  const headers = `"X-Organization-Id": ${JSON.stringify(organization)}`;
  return [
    { language: "curl", code: curl },
    {
      language: "Python",
      code: `import os

import httpx

headers = {"Authorization": f"App-Token {os.environ['APP_TOKEN']}", ${headers}}
data = ${data}
with open(${JSON.stringify(fileName)}, "rb") as file:
    answer = httpx.post(
        ${JSON.stringify(origin + path)}, headers=headers, data=data, files={"file": file}, timeout=300
    )
answer.raise_for_status()
print(answer.json())`,
    },
    {
      language: "JavaScript",
      code: `import { openAsBlob } from "node:fs";

const form = new FormData();
for (const [name, value] of Object.entries(${data})) form.append(name, value);
form.append("file", await openAsBlob(${JSON.stringify(fileName)}), ${JSON.stringify(fileName)});
const answer = await fetch(${JSON.stringify(origin + path)}, {
  method: "POST",
  headers: { Authorization: \`App-Token \${process.env.APP_TOKEN}\`, ${headers} },
  body: form,
});
console.log(await answer.json());`,
    },
  ];
}

type AboutExport = ShownRows & { origin: string; organization: string; app: string; table: string; format: string };

/** Returns how a program exports the same rows, and reads them without a file. */
export function exportSnippets(about: AboutExport): Snippet[] {
  const { origin, organization, app, table, format, where = {}, order = [], columns } = about;
  const request = JSON.stringify({ app, table, format, where, order_by: order, columns });
  const chosen = { where, order_by: order, ...(columns === undefined ? {} : { columns }) };
  const url = `${origin}/api/apps/csv-exports/`;
  return [
    {
      language: "curl",
      code: [
        `curl ${shell(url)}`,
        '-H "Authorization: App-Token $APP_TOKEN"',
        `-H ${shell(`X-Organization-Id: ${organization}`)}`,
        "-H 'Content-Type: application/json'",
        `--data ${shell(request)}`,
      ].join(" \\\n  "),
    },
    {
      language: "Python",
      code: `import json

from automio.wrapper import API

api = API()
rows = json.loads(${JSON.stringify(JSON.stringify(chosen))})
job = api.csv.wait(api.csv.export(${JSON.stringify(table)}, format=${JSON.stringify(format)}, **rows))
with open(${JSON.stringify(`${table}.${format}`)}, "wb") as file:
    file.write(api.csv.download(job))`,
    },
    {
      language: "JavaScript",
      code: `const answer = await fetch(${JSON.stringify(url)}, {
  method: "POST",
  headers: {
    Authorization: \`App-Token \${process.env.APP_TOKEN}\`,
    "X-Organization-Id": ${JSON.stringify(organization)},
    "Content-Type": "application/json",
  },
  body: JSON.stringify(${request}),
});
console.log(await answer.json());`,
    },
  ];
}
