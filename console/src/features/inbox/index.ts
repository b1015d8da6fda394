export { unreadQuery } from "./api";
export { badge } from "./model/inbox";
export { useLiveInbox } from "./model/use-live-inbox";
