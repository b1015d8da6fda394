/** What the list needs to know of a run to keep its place. */
type Listed = { id: number };

/** A list that is shown, newest first, and what has come since that is not shown yet. */
export type LiveList<T extends Listed> = { shown: readonly T[]; fresh: readonly T[] };

/**
 * Puts a changed run into the list. One that is shown stays in its place; a newer one waits, so that nothing moves
 * under the pointer; an older one that was not shown is of a later part and is left out.
 */
export function withChanged<T extends Listed>(list: LiveList<T>, changed: T): LiveList<T> {
  if (list.shown.some(({ id }) => id === changed.id)) {
    return { ...list, shown: list.shown.map((run) => (run.id === changed.id ? changed : run)) };
  }
  const newest = list.shown[0]?.id ?? 0;
  if (changed.id < newest) return list;
  const others = list.fresh.filter(({ id }) => id !== changed.id);
  return { ...list, fresh: [changed, ...others].sort((one, other) => other.id - one.id) };
}

/** Takes out a run that no longer passes the filters. One that is shown stays, with what is known of it. */
export function without<T extends Listed>(list: LiveList<T>, id: number): LiveList<T> {
  return { ...list, fresh: list.fresh.filter((run) => run.id !== id) };
}

/** Shows what has come. */
export function withFresh<T extends Listed>({ shown, fresh }: LiveList<T>): LiveList<T> {
  return { shown: [...fresh, ...shown], fresh: [] };
}
