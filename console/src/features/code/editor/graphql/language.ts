import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { python, pythonLanguage } from "@codemirror/lang-python";
import { LanguageSupport, syntaxTree } from "@codemirror/language";
import { type Diagnostic, linter } from "@codemirror/lint";
import type { EditorState, Extension } from "@codemirror/state";
import { parseMixed } from "@lezer/common";
import { graphqlLanguage, Position } from "cm6-graphql";
import { type GraphQLSchema, parse, validate } from "graphql";
import { getAutocompleteSuggestions } from "graphql-language-service";
import { type Query, queryOf } from "./strings";

export type Schema = () => Promise<GraphQLSchema | null>;

const before = 120;
const maxProblems = 20;

/** Python in which the strings that hold a query are GraphQL, checked against the app's schema. */
export function pythonWithQueries(schema: Schema): Extension {
  const wrap = parseMixed((node, input) => {
    if (node.name !== "String") return null;
    const literal = input.read(node.from, node.to);
    const query = queryOf(literal, node.from, input.read(Math.max(0, node.from - before), node.from));
    return query === null ? null : { parser: graphqlLanguage.parser, overlay: [query] };
  });
  const language = pythonLanguage.configure({ wrap }, "python");
  return [new LanguageSupport(language, python().support), linter((view) => problemsOf(view.state, schema))];
}

/** Completes in the query at the cursor; null where it is in none. */
export async function completeQuery(context: CompletionContext, schema: Schema): Promise<CompletionResult | null> {
  const query = queries(context.state).find(({ from, to }) => from <= context.pos && context.pos <= to);
  if (query === undefined) return null;
  const known = await schema();
  const word = context.matchBefore(/\w*/);
  if (known === null || (!context.explicit && word?.text === "")) return null;
  const lines = query.text.slice(0, context.pos - query.from).split("\n");
  const position = new Position(lines.length - 1, lines.at(-1)?.length ?? 0);
  const options = getAutocompleteSuggestions(known, query.text, position).map(
    ({ label, detail }): Completion => ({ label, detail: detail ?? "", type: "property" }),
  );
  return { from: word?.from ?? context.pos, options, validFor: /^\w*$/ };
}

async function problemsOf(state: EditorState, schema: Schema): Promise<Diagnostic[]> {
  const found = queries(state);
  if (found.length === 0) return [];
  const known = await schema();
  return known === null ? [] : found.flatMap((query) => problemsOfQuery(query, known)).slice(0, maxProblems);
}

function problemsOfQuery({ from, to, text }: Query, schema: GraphQLSchema): Diagnostic[] {
  try {
    return validate(schema, parse(text)).map(({ message, nodes }) => {
      const at = nodes?.[0]?.loc;
      // A field is marked by its name, not with all that is in it.
      const length = at === undefined ? 1 : (/^\w+/.exec(text.slice(at.start))?.[0].length ?? at.end - at.start);
      const start = from + (at?.start ?? 0);
      return { from: start, to: Math.min(start + length, to), severity: "error", source: "GraphQL", message };
    });
  } catch {
    // One that is being written; what is missing shows in its colours.
    return [];
  }
}

function queries(state: EditorState): Query[] {
  const found: Query[] = [];
  syntaxTree(state).iterate({
    enter: ({ name, from, to }) => {
      if (name !== "String") return true;
      const query = queryOf(state.sliceDoc(from, to), from, state.sliceDoc(Math.max(0, from - before), from));
      if (query !== null) found.push(query);
      return false;
    },
  });
  return found;
}
