import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { syntaxTree } from "@codemirror/language";
import { members, type Names } from "../model/names";
import type { Schema } from "./graphql/language";
import { mayHoldQueries } from "./graphql/strings";
import type { LanguageServer } from "./server/language-server";

type NodeLike = { name: string; from: number; to: number; parent: NodeLike | null };

type Knowing = { names: () => Names; server: () => LanguageServer | null; schema: Schema };

/** Returns a completion by the language server; where it knows nothing or is away, by what the console itself knows. */
export function completionOf(path: string, { names, server, schema }: Knowing) {
  return async (context: CompletionContext): Promise<CompletionResult | null> => {
    const node: NodeLike = syntaxTree(context.state).resolveInner(context.pos, -1);
    if (/^(Comment)$/.test(node.name)) return null;
    const isText = isInString(node);
    if (isText && mayHoldQueries(context.state.sliceDoc(0, context.pos))) {
      const { completeQuery } = await import("./graphql/language");
      const known = await completeQuery(context, schema);
      if (known !== null || context.aborted) return known;
    }
    const present = server();
    if (present?.knows(path)) {
      const { completeByServer } = await import("./server/complete");
      const known = await completeByServer(context, present, path, isText);
      if (known !== null || context.aborted) return known;
    }
    return isText ? inString(context, names()) : afterDot(context);
  };
}

function isInString(node: NodeLike): boolean {
  for (let at: NodeLike | null = node; at !== null; at = at.parent) {
    if (/String$/.test(at.name)) return true;
    if (/Statement$|Script/.test(at.name)) return false;
  }
  return false;
}

function afterDot(context: CompletionContext): CompletionResult | null {
  const dotted = context.matchBefore(/\b[A-Za-z_][\w.]*\.\w*$/);
  if (dotted === null) return null;
  const parts = dotted.text.split(".");
  const last = parts.pop() ?? "";
  const known = members(parts);
  if (known === null) return null;
  return {
    from: context.pos - last.length,
    options: known.map(({ name, detail, kind }) => ({ label: name, detail, type: kind })),
    validFor: /^\w*$/,
  };
}

function inString(context: CompletionContext, names: Names): CompletionResult | null {
  const word = context.matchBefore(/\w*$/);
  const before = context.state.sliceDoc(Math.max(0, context.pos - 60), word?.from ?? context.pos);
  const isArgument = /(graphql|create_tag|import_file|export)\(\s*f?["']{1,3}$/.test(before);
  // Everywhere else in a text, names come only when they are asked for or begun.
  if (!isArgument && !context.explicit && (word === null || word.text.length < 2)) return null;
  const from = word?.from ?? context.pos;
  const tables = names.tables.map(({ name, graphqlName }): Completion => {
    const label = isArgument ? name : graphqlName;
    return { label, detail: "table", type: "class", boost: 2 };
  });
  if (isArgument) return { from, options: tables, validFor: /^\w*$/ };
  const columns = new Map<string, Completion>();
  for (const { name, columns: own } of names.tables) {
    for (const column of own) {
      const detail = columns.has(column.name) ? `${column.type}, several tables` : `${column.type} of ${name}`;
      columns.set(column.name, { label: column.name, detail, type: "property", boost: 1 });
    }
  }
  const integrations = names.integrations.map(
    (label): Completion => ({ label, detail: "integration", type: "namespace" }),
  );
  return { from, options: [...tables, ...columns.values(), ...integrations], validFor: /^\w*$/ };
}
