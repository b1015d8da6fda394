import "@tanstack/react-query";
import type { QueryKey } from "@tanstack/react-query";

/** What a tab does for a while by itself, beside the page that began it. The task tray lists it. */
export type TabTask = {
  kind: "upload" | "change";
  /** A file, or a table. */
  name: string;
  /** Where it belongs: an app, a table. */
  place: string;
  /** The page that shows it. */
  href: string;
  /** Where the cache holds how much is done, from 0 to 1. */
  partKey?: QueryKey;
  cancel?: () => void;
};

declare module "@tanstack/react-query" {
  interface Register {
    /** A mutation with a task is listed by the task tray, also after its page was left. */
    mutationMeta: { task?: TabTask };
  }
}
