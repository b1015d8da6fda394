import { python, shell } from "@/ui/literals";

export type Language = "automio" | "gql" | "curl" | "javascript";
export const languages: readonly Language[] = ["automio", "gql", "curl", "javascript"];

type Of = { query: string; variables: Record<string, unknown>; origin: string; app: number | string; table: string };

/** Returns a program that runs the query. Whatever is in the query or its variables stays text in it. */
export function snippetOf(language: Language, of: Of): string {
  return { automio, gql, curl, javascript }[language](of);
}

function automio({ query, variables, table }: Of): string {
  return [
    "from automio.wrapper import API",
    "",
    "api = API()",
    `answer = api.tables.graphql(${python(table)}, ${pythonText(query)}, ${python(variables)})`,
    "print(answer.data)",
    "",
  ].join("\n");
}

function gql({ query, variables, origin, app }: Of): string {
  return [
    "import os",
    "from gql import Client, gql",
    "from gql.transport.httpx import HTTPXTransport",
    "",
    "transport = HTTPXTransport(",
    `    url=${python(`${origin}/api/apps/${app}/v1/graphql`)},`,
    '    headers={"Authorization": f"Bearer {os.environ[\'APP_TOKEN\']}"},',
    ")",
    "with Client(transport=transport) as session:",
    `    query = gql(${pythonText(query)})`,
    `    print(session.execute(query, variable_values=${python(variables)}))`,
    "",
  ].join("\n");
}

function curl({ query, variables, origin, app }: Of): string {
  const data = JSON.stringify({ query, variables });
  return [
    `curl ${shell(`${origin}/api/apps/${app}/v1/graphql`)} \\`,
    '  --header "Authorization: Bearer $APP_TOKEN" \\',
    "  --header 'Content-Type: application/json' \\",
    `  --data ${shell(data)}`,
    "",
  ].join("\n");
}

function javascript({ query, variables, origin, app }: Of): string {
  const template = query.replaceAll(/[\\`]|\$\{/g, (found) => `\\${found}`);
  return [
    `const response = await fetch(${JSON.stringify(`${origin}/api/apps/${app}/v1/graphql`)}, {`,
    '  method: "POST",',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the program's own template
    '  headers: { Authorization: `Bearer ${process.env.APP_TOKEN}`, "Content-Type": "application/json" },',
    `  body: JSON.stringify({ query: \`${template}\`, variables: ${JSON.stringify(variables)} }),`,
    "});",
    "const { data, errors } = await response.json();",
    "console.log(errors ?? data);",
    "",
  ].join("\n");
}

/** A text over several lines where that is readable, else a quoted one. */
function pythonText(text: string): string {
  return text.includes("\n") && !/"""|\\/.test(text) && !text.endsWith('"') ? `"""\n${text.trim()}\n"""` : python(text);
}
