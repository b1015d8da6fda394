export { RunCounts } from "./components/RunCounts";
export { underWayQuery } from "./counts";
