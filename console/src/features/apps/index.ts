export { type App, appListQuery, appQuery, appsQuery } from "./api";
