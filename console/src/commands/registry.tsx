import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useSyncExternalStore,
} from "react";
import { isSingle, KeyMatcher, pressedName, takesText } from "./keys";

/** Something that can be done now: shown in the palette, and with `keys` done by them. */
export type Command = {
  id: string;
  title: string;
  /** Under which heading the palette shows it. */
  group: string;
  keys?: string;
  run: () => void;
};

const preference = "automio.single-keys";

class Registry {
  private readonly sets = new Map<symbol, readonly Command[]>();
  private readonly listeners = new Set<() => void>();
  private all: readonly Command[] = [];

  set(owner: symbol, commands: readonly Command[] | null): void {
    if (commands === null) this.sets.delete(owner);
    else this.sets.set(owner, commands);
    // The innermost, which came last, wins where two have the same id or keys.
    this.all = [...new Map([...this.sets.values()].flat().map((command) => [command.id, command])).values()];
    for (const tell of this.listeners) tell();
  }

  readonly list = (): readonly Command[] => this.all;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  };
}

const Context = createContext<Registry | null>(null);

/** Holds the commands of what is below it, and listens to their keys. */
export function Commands({ children }: { children: ReactNode }) {
  const registry = useMemo(() => new Registry(), []);
  useEffect(() => listenToKeys(registry), [registry]);
  return <Context value={registry}>{children}</Context>;
}

function listenToKeys(registry: Registry): () => void {
  const matcher = new KeyMatcher();
  const onKey = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing) return;
    const name = pressedName(event);
    if (name === null) return;
    const isText = takesText(event.target) || !areSingleKeysOn();
    const usable = registry.list().filter(({ keys }) => keys !== undefined && !(isText && isSingle(keys)));
    const keys = matcher.press(
      name,
      event.timeStamp,
      usable.map((command) => command.keys ?? ""),
    );
    const command = usable.findLast((one) => one.keys === keys);
    if (command === undefined) return;
    event.preventDefault();
    command.run();
  };
  window.addEventListener("keydown", onKey);
  return () => window.removeEventListener("keydown", onKey);
}

/** Offers commands as long as the component is shown. `commands` is made anew only when it changes (useMemo). */
export function useCommands(commands: readonly Command[]): void {
  const registry = useRegistry();
  const owner = useRef(Symbol("commands"));
  useEffect(() => {
    const key = owner.current;
    registry.set(key, commands);
    return () => registry.set(key, null);
  }, [registry, commands]);
}

/** Returns every command that can be done now. */
export function useAllCommands(): readonly Command[] {
  const registry = useRegistry();
  return useSyncExternalStore(registry.subscribe, registry.list);
}

/** Returns whether keys without a modifier do something, and a way to change it; kept in this browser. */
export function useSingleKeys(): [boolean, (isOn: boolean) => void] {
  const isOn = useSyncExternalStore(onStorage, areSingleKeysOn);
  const change = useCallback((next: boolean) => {
    localStorage.setItem(preference, next ? "on" : "off");
    window.dispatchEvent(new StorageEvent("storage", { key: preference }));
  }, []);
  return [isOn, change];
}

function onStorage(listener: () => void): () => void {
  window.addEventListener("storage", listener);
  return () => window.removeEventListener("storage", listener);
}

function areSingleKeysOn(): boolean {
  return localStorage.getItem(preference) !== "off";
}

function useRegistry(): Registry {
  const registry = useContext(Context);
  if (registry === null) throw new Error("Commands is missing above");
  return registry;
}
