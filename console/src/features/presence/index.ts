export { Presence } from "./components/LazyPresence";
