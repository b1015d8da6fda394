import { useSyncExternalStore } from "react";
import { isOutdated } from "@/api/build";

/** Why a part of the console could not be loaded: there is a newer build, or nobody answers. */
export type Missing = "outdated" | "unreachable" | "broken";

let missing: Missing | null = null;
const listeners = new Set<() => void>();

/** Notices that a part of the console cannot be loaded, and finds out why. Called once. */
export function watchForMissingParts(): void {
  window.addEventListener("vite:preloadError", ({ payload }) => {
    // The router reloads the page for this error as the browser words it, and with it goes what was typed.
    payload.message = `A part of the console is missing: ${payload.message}`;
    void isOutdated(document).then((answer) => {
      missing = answer === null ? "unreachable" : answer ? "outdated" : "broken";
      for (const listener of listeners) listener();
    });
  });
}

/** Returns why the last part that was missing could not be loaded; null while all were there. */
export function useMissingPart(): Missing | null {
  return useSyncExternalStore(subscribe, () => missing);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}
