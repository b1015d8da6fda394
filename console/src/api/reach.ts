/** Knows whether the server can be reached, from every request that is answered or not. */
let isReached = true;
const listeners = new Set<() => void>();

export function noteReached(isNow: boolean): void {
  if (isNow === isReached) return;
  isReached = isNow;
  for (const listener of listeners) listener();
}

export function isServerReached(): boolean {
  return isReached;
}

/** Calls `listener` whenever the server goes out of reach or comes back. Returns what ends that. */
export function onReach(listener: () => void): () => void {
  const lost = () => noteReached(false);
  listeners.add(listener);
  window.addEventListener("offline", lost);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("offline", lost);
  };
}
