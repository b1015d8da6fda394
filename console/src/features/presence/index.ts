export { Presence } from "./components/Presence";
