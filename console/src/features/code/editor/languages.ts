import type { Extension } from "@codemirror/state";
import type { Schema } from "./graphql/language";

/** Loads what an editor knows of a file's language, by the file's name; each language is a chunk of its own. */
export async function languageOf(path: string, schema?: Schema): Promise<Extension> {
  if (path.endsWith(".py") && schema !== undefined) return (await import("./graphql/extension")).pythonKnowing(schema);
  if (path.endsWith(".py")) return (await import("@codemirror/lang-python")).python();
  if (path.endsWith(".json")) return (await import("@codemirror/lang-json")).json();
  if (/\.ya?ml$/.test(path)) return (await import("@codemirror/lang-yaml")).yaml();
  if (path.endsWith(".md")) return (await import("@codemirror/lang-markdown")).markdown();
  return [];
}
