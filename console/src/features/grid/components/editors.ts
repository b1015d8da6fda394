import type { KeyboardEvent } from "react";
import type { RowsApi } from "../api";
import type { Column, Value } from "../model/columns";

export type Direction = "down" | "up" | "left" | "right";

export type CellEditorProps = {
  column: Column;
  rows: RowsApi;
  /** What stands in the editor at first; a typed key replaces the value. */
  text: string;
  isTyped: boolean;
  /** What happened to the cell meanwhile; null for nothing. */
  notice: string | null;
  onCommit: (value: Value, then: Direction | "stay") => void;
  onCancel: () => void;
};

/** Returns where a key leads that ends an edit, or null. */
export function leaves(event: KeyboardEvent): Direction | null {
  if (event.nativeEvent.isComposing) return null;
  if (event.key === "Enter" && !event.altKey) return event.shiftKey ? "up" : "down";
  return event.key === "Tab" ? (event.shiftKey ? "left" : "right") : null;
}
