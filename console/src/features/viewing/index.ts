export { ViewAs, ViewAsMember } from "./components/ViewAs";
export { ViewingBanner } from "./components/ViewingBanner";
