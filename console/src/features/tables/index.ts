export { type TableRead, tablesQuery } from "./api";
