export { TableTabs } from "./components/TableTabs";
export { useLiveTables } from "./model/use-live-tables";
