import { createContext, type ReactNode } from "react";

/** What the shell puts at the top right of every screen: part of the header, so that nothing lies under it. */
export const HeaderEnd = createContext<ReactNode>(null);
