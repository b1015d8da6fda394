import { createContext } from "react";

/** Tells what is shown inside the `main` of the shell: a page has one such landmark. */
export const InMain = createContext(false);
