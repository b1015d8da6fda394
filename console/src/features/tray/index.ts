export { TaskNews } from "./components/TaskNews";
export { Tray } from "./components/Tray";
