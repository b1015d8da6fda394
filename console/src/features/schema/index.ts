import { lazy } from "react";

export { TableTabs } from "./components/TableTabs";
export { useLiveTables } from "./model/use-live-tables";

/** The diagram of an app's tables, which comes with its own library. */
export const Diagram = lazy(async () => ({ default: (await import("./components/Diagram")).Diagram }));
