import { lazyRouteComponent } from "@tanstack/react-router";

/** The page that makes an app from a file. */
export const FromFilePage = lazyRouteComponent(() => import("./components/FromFilePage"), "FromFilePage");
export { saveFile } from "./api";
export { ImportsLink } from "./components/ImportsLink";
export { readShownRows } from "./model/shown-rows";
