export { type App, appQuery, appsQuery } from "./api";
