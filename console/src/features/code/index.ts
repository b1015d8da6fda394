import { lazy } from "react";

export { appearance } from "./editor/theme";

/** Loaded when rows are given to an action. */
export const RunWithRows = lazy(() =>
  import("./components/RunWithRows").then((module) => ({ default: module.RunWithRows })),
);
