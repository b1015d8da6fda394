import type { Snippet } from "@/ui/AsCode";
import { python, shell } from "@/ui/literals";

type Run = {
  origin: string;
  organization: string;
  app: number;
  action: { id: number; slug: string };
  input: Record<string, unknown>;
  rows: readonly string[];
};

/** Returns how a program starts the same run. Whatever is in its input stays text. */
export function runSnippets({ origin, organization, app, action, input, rows }: Run): Snippet[] {
  const body = { user_input: input, ...(rows.length === 0 ? {} : { selected_rows: rows }) };
  const curl = [
    `curl ${shell(`${origin}/api/actions/${action.id}/run/`)}`,
    '--header "Authorization: Bearer $APP_TOKEN"',
    `--header ${shell(`X-Organization-Id: ${organization}`)}`,
    "--header 'Content-Type: application/json'",
    `--data ${shell(JSON.stringify(body))}`,
  ].join(" \\\n  ");
  const selected = rows.length === 0 ? "" : `, selected_rows=${python(rows)}`;
  const code = [
    "import os",
    "",
    "from automio.wrapper import API",
    "",
    `with API(base_url=${python(origin)}, token=os.environ["APP_TOKEN"], app_id=${app}) as api:`,
    `    run = api.actions.run(${python(action.slug)}, user_input=${python(input)}${selected})`,
    "    for line in api.actions.stream_logs(run.task_id):",
    "        print(line)",
    "    print(api.actions.run_status(run.run_id))",
    "",
  ].join("\n");
  return [
    { language: "curl", code: `${curl}\n` },
    { language: "Python", code },
  ];
}
