export { type TableRead, tablesQuery } from "./api";
export { TableTree } from "./components/TableTree";
