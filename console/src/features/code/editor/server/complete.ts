import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { documentationOf } from "./documentation";
import type { LanguageServer } from "./language-server";
import { positionAt } from "./positions";

const inText = /[\w./{}-]*$/;
const inCode = /\w*$/;

const kinds: Readonly<Record<number, string>> = {
  2: "method",
  3: "function",
  4: "class",
  5: "property",
  6: "variable",
  7: "class",
  8: "interface",
  9: "namespace",
  10: "property",
  12: "constant",
  14: "keyword",
  21: "constant",
};

/** Asks the language server; null where it knows nothing, or not in time. */
export async function completeByServer(
  context: CompletionContext,
  server: LanguageServer,
  path: string,
  isText: boolean,
): Promise<CompletionResult | null> {
  const pattern = isText ? inText : inCode;
  const from = context.matchBefore(pattern)?.from ?? context.pos;
  const before = context.state.sliceDoc(Math.max(0, context.pos - 1), context.pos);
  if (!context.explicit && !(isText || /[\w.("']/.test(before))) return null;
  const { doc } = context.state;
  server.change(path, doc.toString());
  const items = await server.complete(path, positionAt(doc, context.pos)).catch(() => []);
  if (items.length === 0) return null;
  const options = items.map((item): Completion => {
    const shown = isText ? item.insert : item.label;
    return {
      label: shown,
      detail: item.detail.split("\n").join(" ").slice(0, 60),
      type: kinds[item.kind] ?? "text",
      boost: item.label.startsWith("_") ? -50 : 0,
      apply: item.insert,
      info: async () => {
        const text = await server.describe(item).catch(() => "");
        return text === "" ? null : documentationOf(text);
      },
    };
  });
  return { from, options, validFor: isText ? new RegExp(`^${inText.source}`) : /^\w*$/ };
}
