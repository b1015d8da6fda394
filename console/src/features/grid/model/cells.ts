import type { Value } from "./columns";

/** What stands in a cell until the server has answered, or because it refused: the text that somebody wrote. */
export type CellState =
  | { readonly kind: "pending"; readonly value: Value; readonly since: number }
  | { readonly kind: "refused"; readonly text: string; readonly reason: string };

export function cellKey(id: string, column: string): string {
  return `${id} ${column}`;
}
