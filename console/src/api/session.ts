/**
 * Lets requests wait for a person who has to sign in again. A request that is answered 401 asks; who shows the sign-in
 * listens, and answers when it has been done.
 */
type Listener = (isNeeded: boolean) => void;

let waiting: { promise: Promise<boolean>; resolve: (isSignedIn: boolean) => void } | null = null;
const listeners = new Set<Listener>();

/** Resolves to true when the person has signed in again, to false if nobody can ask them. */
export function askToSignIn(): Promise<boolean> {
  if (listeners.size === 0) return Promise.resolve(false);
  if (waiting === null) {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    waiting = { promise, resolve };
    tell(true);
  }
  return waiting.promise;
}

/** Says that the person has signed in: requests that waited are sent again. */
export function signedInAgain(): void {
  waiting?.resolve(true);
  waiting = null;
  tell(false);
}

/** Calls `listener` whenever a sign-in is needed or no longer needed. Returns what ends that. */
export function onSignInNeeded(listener: Listener): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

function tell(isNeeded: boolean): void {
  for (const listener of listeners) listener(isNeeded);
}
