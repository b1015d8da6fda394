import { snippetOf } from "@/features/graphql";
import type { Order, Table, Where } from "@/features/grid";
import { toOrderBy } from "@/features/grid";
import type { Snippet } from "@/ui/AsCode";

type Shown = { app: string; table: Table; columns: readonly string[]; where: Where; order: Order };

/** Returns how a program reads the rows that the grid shows: those of its filter, in its order. */
export function rowSnippets({ app, table, columns, where, order }: Shown): Snippet[] {
  const { graphqlName } = table;
  const query = `query Rows($where: ${graphqlName}_bool_exp!, $order: [${graphqlName}_order_by!]) {
  ${table.name}(where: $where, order_by: $order, limit: 100) {
${columns.map((name) => `    ${name}\n`).join("")}  }
}
`;
  const variables = { where, order: toOrderBy(order) };
  const of = { query, variables, origin: window.location.origin, app, table: table.name };
  return [
    { language: "curl", code: snippetOf("curl", of) },
    { language: "Python", code: snippetOf("automio", of) },
    { language: "JavaScript", code: snippetOf("javascript", of) },
    { language: "GraphQL", code: `${query}\n# Variables:\n# ${JSON.stringify(variables)}\n` },
  ];
}
