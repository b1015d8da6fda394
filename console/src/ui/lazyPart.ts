import { type ComponentType, type LazyExoticComponent, lazy } from "react";

/**
 * Loads a part of a page when it is first shown. One that cannot be loaded is left out, so that the page stays with
 * what was typed into it; `app/version` says why.
 */
export function lazyPart<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
): LazyExoticComponent<ComponentType<Props>> {
  return lazy(async () => ({ default: await load().catch(() => Nothing) }));
}

function Nothing() {
  return null;
}
