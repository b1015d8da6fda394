import { lazy } from "react";

export { cancelRuns, type RunDetail, runQuery } from "./api";
export { RunCounts } from "./components/RunCounts";
export { useFollowedRun } from "./components/useRunEvents";
export { underWayQuery } from "./counts";

/** Loaded where it is shown: who only follows a run does not need it. */
export const RecentRuns = lazy(() =>
  import("./components/RecentRuns").then((module) => ({ default: module.RecentRuns })),
);

export const Standstill = lazy(() =>
  import("./components/Standstill").then((module) => ({ default: module.Standstill })),
);

export const ResultValue = lazy(() =>
  import("./components/ResultValue").then((module) => ({ default: module.ResultValue })),
);
