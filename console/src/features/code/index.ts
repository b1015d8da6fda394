export { appearance } from "./editor/theme";
