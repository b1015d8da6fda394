export { Presence } from "./components/LazyPresence";
export { CellPresence, type EditedCell, type Mark, type Marks } from "./model/cells";
