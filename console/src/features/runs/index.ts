export { cancelRuns, type RunDetail, runQuery } from "./api";
export { RecentRuns } from "./components/RecentRuns";
export { RunCounts } from "./components/RunCounts";
export { useFollowedRun } from "./components/useRunEvents";
export { underWayQuery } from "./counts";
