export const runTabs = ["output", "result", "input"] as const;
export type RunTab = (typeof runTabs)[number];
