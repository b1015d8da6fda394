import { t } from "@/i18n";
import type { Files } from "./merge";

const maxPathLength = 200;
const segment = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

/** Returns why a path cannot be that of a new file; null when it can. The server's rules, said before it is asked. */
export function faultOfPath(path: string, taken: Iterable<string>): string | null {
  if (path === "") return t("Give the file a name.");
  if (path.length > maxPathLength) return t("A path has at most {max} characters.", { max: maxPathLength });
  if (!path.split("/").every((part) => segment.test(part))) {
    return t("Use letters, digits, “_”, “.” and “-”; folders are divided by “/”. No part begins with “.” or “-”.");
  }
  for (const other of taken) {
    if (other === path) return t("There is a file of this name.");
    if (other.startsWith(`${path}/`)) return t("There is a folder of this name.");
    if (path.startsWith(`${other}/`)) return t("{other} is a file, not a folder.", { other });
  }
  return null;
}

/** Returns the path of an action's file; an entry is `file.py` or `file.py:function`. */
export function fileOfEntry(entry: string): string {
  return entry.split(":")[0] ?? entry;
}

export type Section = { name: "actions" | "modules" | "others"; paths: string[] };

/** Divides files into those that actions begin with, other Python modules, and the rest. */
export function sectionsOf(paths: Iterable<string>, entries: Iterable<string>): Section[] {
  const begun = new Set([...entries].map(fileOfEntry));
  const sections: Section[] = [
    { name: "actions", paths: [] },
    { name: "modules", paths: [] },
    { name: "others", paths: [] },
  ];
  for (const path of [...paths].sort()) {
    const name = begun.has(path) ? "actions" : path.endsWith(".py") ? "modules" : "others";
    sections.find((section) => section.name === name)?.paths.push(path);
  }
  return sections;
}

/** Returns the Python modules that import the module of a file, by path. */
export function importersOf(path: string, files: Files): string[] {
  if (!path.endsWith(".py")) return [];
  const module = path
    .replace(/\.py$/, "")
    .replace(/\/__init__$/, "")
    .replaceAll("/", ".");
  const name = module.replaceAll(".", "\\.");
  const parent = module.includes(".") ? module.slice(0, module.lastIndexOf(".")).replaceAll(".", "\\.") : null;
  const last = module.split(".").at(-1) ?? module;
  const patterns = [
    new RegExp(`^\\s*import\\s+([\\w.]+(\\s+as\\s+\\w+)?\\s*,\\s*)*${name}(?![\\w])`, "m"),
    new RegExp(`^\\s*from\\s+${name}\\s+import\\b`, "m"),
    ...(parent === null ? [] : [new RegExp(`^\\s*from\\s+${parent}\\s+import\\b[^\\n]*\\b${last}\\b`, "m")]),
  ];
  return [...files]
    .filter(
      ([other, text]) => other !== path && other.endsWith(".py") && patterns.some((pattern) => pattern.test(text)),
    )
    .map(([other]) => other)
    .sort();
}

/** Returns a file name for an action's name, as the server makes slugs: `Import orders` is `import_orders.py`. */
export function exampleOfAction(table: string | null): string {
  const query = table === null ? null : `query { ${table}(limit: 10) { id } }`;
  const lines = [
    "from automio.wrapper import API",
    "",
    "api = API()",
    "",
    'api.task.set_progress(0, "started")',
    ...(query === null
      ? ['print("Hello from an action")', "result = {}"]
      : [
          `answer = api.tables.graphql("${table}", query="""${query}""")`,
          `rows = answer.data["${table}"]`,
          'print(len(rows), "rows")',
          'result = {"rows": rows}',
        ]),
    'api.task.set_progress(100, "done")',
  ];
  return `${lines.join("\n")}\n`;
}
