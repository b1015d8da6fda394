import type { RunStateName } from "@/ui/StateBadge";

/** The filters of the list as its address holds them. Times are names of ranges or ISO times. */
export type RunFilters = {
  state?: RunStateName[];
  action?: number;
  cause?: Cause[];
  user?: number;
  from?: string;
  to?: string;
  text?: string;
};

export const causes = ["manual", "api", "script", "webhook", "schedule"] as const;
export type Cause = (typeof causes)[number];

const states = ["pending", "claimed", "running", "completed", "failed", "stopped"] as const;
const outcomes = {
  waiting: ["pending", "claimed"],
  running: ["running"],
  completed: ["completed"],
  failed: ["failed"],
  stopped: ["stopped"],
} as const;

/** What one chooses among: waiting is two states of the API. */
export type Outcome = keyof typeof outcomes;
export const outcomeNames: readonly Outcome[] = ["running", "waiting", "failed", "completed", "stopped"];

/** Reads filters from an address; what is not one of ours is left out. */
export function readFilters(search: Record<string, unknown>): RunFilters {
  const found: RunFilters = {};
  const state = asList(search.state).filter((value) => states.some((known) => known === value));
  const cause = asList(search.cause).filter((value) => causes.some((known) => known === value));
  if (state.length > 0) found.state = states.filter((known) => state.includes(known));
  if (cause.length > 0) found.cause = causes.filter((known) => cause.includes(known));
  const action = asId(search.action);
  const user = asId(search.user);
  if (action !== null) found.action = action;
  if (user !== null) found.user = user;
  for (const name of ["from", "to"] as const) {
    const value = search[name];
    if (typeof value === "string" && !Number.isNaN(Date.parse(value))) found[name] = new Date(value).toISOString();
  }
  if (typeof search.text === "string" && search.text.trim() !== "") found.text = search.text.slice(0, 200);
  // The router reads `?text=118` as a number.
  if (typeof search.text === "number") found.text = String(search.text);
  return found;
}

/** Returns the outcomes that a filter of states stands for. */
export function outcomesOf(filters: RunFilters): Outcome[] {
  return outcomeNames.filter((name) => outcomes[name].every((state) => filters.state?.includes(state)));
}

/** Returns the filters with these outcomes; none stands for all. */
export function withOutcomes(filters: RunFilters, chosen: readonly string[]): RunFilters {
  const { state: _, ...rest } = filters;
  const state = outcomeNames.filter((name) => chosen.includes(name)).flatMap((name) => [...outcomes[name]]);
  return state.length === 0 ? rest : { ...rest, state };
}

/** Tells whether anything is filtered. */
export function isFiltered(filters: RunFilters): boolean {
  return Object.keys(filters).length > 0;
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}

function asId(value: unknown): number | null {
  const id = typeof value === "string" ? Number(value) : value;
  return typeof id === "number" && Number.isInteger(id) && id > 0 && id < 2 ** 31 ? id : null;
}
