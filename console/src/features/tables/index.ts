export { type TableRead, tableQuery, tablesQuery } from "./api";
export { TableTree } from "./components/TableTree";
