/** What completion knows of an app. */
export type Names = {
  tables: readonly { name: string; graphqlName: string; columns: readonly { name: string; type: string }[] }[];
  integrations: readonly string[];
};

export type Member = { name: string; detail: string; kind: "method" | "property" };

const cache = "get(key) · get_entry(key) · set(key, value, ttl=None) · delete(key)";

/** The client of scripts (`automio.wrapper`), as far as completion without a language server needs it. */
const api: Readonly<Record<string, string>> = {
  "": "actions · app_cache · csv · files · integrations · org_cache · plugins · runtime · settings · syncs · tables · task · connection_id · notify_me(subject, text=None, html=None)",
  actions: "list() · run(action, …) · run_status(run_id) · cancel(run_id) · stream_logs(task_id)",
  app_cache: cache,
  org_cache: cache,
  csv: "import_file(…) · preview(…) · export(…) · imports(table=None) · exports(table=None) · import_status(import_id) · export_status(export_id) · wait(job) · cancel(job) · download(job) · rejected(job)",
  files:
    "upload(source, name=None) · upload_from_url(url) · list(…) · get(file) · read(file) · download(file, to) · link(file, expires_in=3600) · rename(file, name) · delete(file) · usage()",
  integrations:
    "get_integration(integration_id) · get_integrations() · iterate_integrations() · my_connections(integration_id) · all_connections(…) · table_connections(…) · call(integration, method, endpoint, …) · paginate(…) · parallel_call(…) · parallel_call_for_connection(…) · parallel_call_stream(…)",
  plugins: "get_list(namespace) · get_plugins(namespace) · iterate_plugins(namespace) · invoke(…)",
  runtime: "send_notification(…)",
  settings: "app_id · action_id · base_url · organization_slug · task_id",
  syncs: "status(name) · run(name) · cancel(name) · runs(name, count=50) · wait(name) · list()",
  tables:
    "graphql(table, query, variables=None) · apps_graphql_query(app, table, request) · add_tag(…) · create_tag(table_name, tag_name) · client()",
  task: 'set_progress(progress, info, status="pending")',
};

/** Returns the members of `api`, or of what hangs on it (`["api", "tables"]`); null for anything else. */
export function members(path: readonly string[]): Member[] | null {
  const [root, ...rest] = path;
  if (root !== "api" || rest.length > 1) return null;
  const listed = api[rest.join(".")];
  if (listed === undefined) return null;
  return listed.split(" · ").map((described) => {
    const [name, ...signature] = described.split("(");
    const isMethod = signature.length > 0;
    return {
      name: name ?? "",
      detail: isMethod ? `(${signature.join("(")}` : "",
      kind: isMethod ? "method" : "property",
    };
  });
}
