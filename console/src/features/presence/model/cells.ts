import type { Person } from "../api";
import { initialsOf } from "./names";

/** A cell of the table that is open. */
export type EditedCell = { row: string; column: string };
/** Who edits a cell: how it is marked, and what that means. */
export type Mark = { initials: string; names: string };
/** Marks of one row, by column. */
export type Marks = ReadonlyMap<string, Mark>;

const none: ReadonlyMap<string, Marks> = new Map();

/** Holds which cells others edit, and which one is edited here, between the grid and the connection of presences. */
export class CellPresence {
  private marks = none;
  private own: EditedCell | null = null;
  private readonly listeners = new Set<() => void>();
  /** Called when another cell is edited here, or none any more. */
  onEdit: (cell: EditedCell | null) => void = () => undefined;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Returns what others edit, by row; the same object until that changes. */
  readonly read = (): ReadonlyMap<string, Marks> => this.marks;

  get edited(): EditedCell | null {
    return this.own;
  }

  edit(cell: EditedCell | null): void {
    if (cell?.row === this.own?.row && cell?.column === this.own?.column) return;
    this.own = cell;
    this.onEdit(cell);
  }

  show(people: readonly Person[]): void {
    const next = marksOf(people);
    if (next.size === 0 && this.marks.size === 0) return;
    this.marks = next;
    for (const tell of this.listeners) tell();
  }
}

/** Returns which cells people edit, by row and column. */
export function marksOf(people: readonly Person[]): ReadonlyMap<string, Marks> {
  const rows = new Map<string, Map<string, Mark>>();
  for (const { name, edits } of people) {
    for (const { row, column } of edits) {
      const marks = rows.get(row) ?? new Map<string, Mark>();
      const before = marks.get(column);
      const initials = initialsOf(name);
      marks.set(
        column,
        before === undefined
          ? { initials, names: name }
          : { initials: `${before.initials} ${initials}`, names: `${before.names}, ${name}` },
      );
      rows.set(row, marks);
    }
  }
  return rows.size === 0 ? none : rows;
}
