import type { ApiRequest } from "@/api/done";
import { parseExact } from "@/api/exact";
import type { Snippet } from "./AsCode";
import { python, shell } from "./literals";

/** Returns how a program sends a request. Whatever is in its path and its body stays text in it. */
export function requestSnippets(request: ApiRequest, origin = window.location.origin): Snippet[] {
  const url = origin + request.path;
  const body = request.body === null ? null : parseExact(request.body);
  const of = { ...request, url, body };
  const query = graphqlOf(body);
  return [
    { language: "curl", code: curl(of) },
    { language: "Python", code: pythonProgram(of) },
    { language: "JavaScript", code: javascript(of) },
    ...(query === null ? [] : [{ language: "GraphQL" as const, code: query }]),
  ];
}

/** Returns how a program reads a path of the API. */
export function readingSnippets(path: string, organization: string | null = null): Snippet[] {
  return requestSnippets({ method: "GET", path, organization, body: null });
}

type Of = { method: string; url: string; organization: string | null; body: unknown };

function curl({ method, url, organization, body }: Of): string {
  const lines = [
    `curl ${method === "GET" ? "" : `--request ${method} `}${shell(url)}`,
    '--header "Authorization: Bearer $APP_TOKEN"',
    ...(organization === null ? [] : [`--header ${shell(`X-Organization-Id: ${organization}`)}`]),
    ...(body === null ? [] : ["--header 'Content-Type: application/json'", `--data ${shell(pretty(body))}`]),
  ];
  return `${lines.join(" \\\n  ")}\n`;
}

function pythonProgram({ method, url, organization, body }: Of): string {
  const isText = isRounded(body);
  const named = organization === null ? "" : `, "X-Organization-Id": ${python(organization)}`;
  return [
    "import os",
    "",
    "import httpx",
    "",
    `headers = {"Authorization": f"Bearer {os.environ['APP_TOKEN']}"${named}${isText ? ', "Content-Type": "application/json"' : ""}}`,
    ...(body === null ? [] : [`body = ${isText ? python(JSON.stringify(body)) : python(body)}`]),
    "answer = httpx.request(",
    `    ${python(method)},`,
    `    ${python(url)},`,
    "    headers=headers,",
    ...(body === null ? [] : [isText ? "    content=body," : "    json=body,"]),
    "    timeout=60,",
    ")",
    "print(answer.raise_for_status().text)",
    "",
  ].join("\n");
}

function javascript({ method, url, organization, body }: Of): string {
  const written = isRounded(body)
    ? JSON.stringify(JSON.stringify(body))
    : `JSON.stringify(${pretty(body).replaceAll("\n", "\n  ")})`;
  return [
    `const answer = await fetch(${JSON.stringify(url)}, {`,
    `  method: ${JSON.stringify(method)},`,
    "  headers: {",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the program's own template
    "    Authorization: `Bearer ${process.env.APP_TOKEN}`,",
    ...(organization === null ? [] : [`    "X-Organization-Id": ${JSON.stringify(organization)},`]),
    ...(body === null ? [] : ['    "Content-Type": "application/json",']),
    "  },",
    ...(body === null ? [] : [`  body: ${written},`]),
    "});",
    "console.log(answer.status, await answer.text());",
    "",
  ].join("\n");
}

function graphqlOf(body: unknown): string | null {
  if (typeof body !== "object" || body === null || !("query" in body) || typeof body.query !== "string") return null;
  const variables = "variables" in body ? `\n# Variables:\n${pretty(body.variables).replaceAll(/^/gm, "# ")}\n` : "";
  return `${body.query.trim()}\n${variables}`;
}

/** Tells whether a body has digits that a program would round; it sends the text then. */
function isRounded(body: unknown): boolean {
  const text = JSON.stringify(body);
  return JSON.stringify(JSON.parse(text)) !== text;
}

function pretty(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
