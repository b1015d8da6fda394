export { cancelRuns, type RunDetail, runQuery } from "./api";
export { RecentRuns } from "./components/RecentRuns";
export { useFollowedRun } from "./components/useRunEvents";
export { RunCounts } from "./components/RunCounts";
export { underWayQuery } from "./counts";
