export const runTabs = ["timeline", "output", "result", "calls", "input"] as const;
export type RunTab = (typeof runTabs)[number];
