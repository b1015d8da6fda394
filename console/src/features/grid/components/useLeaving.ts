import { useEffect, useRef } from "react";
import type { GridStore } from "../data/store";
import type { Range } from "../model/selection";

/**
 * Lets rows go that no longer belong where they are, once neither the selection nor the pointer is at them, and nothing is
 * open that would move under somebody's hands. Returns what to tell about the pointer.
 */
export function useLeaving(store: GridStore, range: Range, isBusy: boolean): (row: number | null) => void {
  const pointed = useRef<number | null>(null);
  const leave = () => {
    if (isBusy || store.moved.size + store.gone.size === 0) return;
    store.leave((row) => row === pointed.current || (row >= range.top && row <= range.bottom));
  };
  useEffect(leave);
  return (row) => {
    if (pointed.current === row) return;
    pointed.current = row;
    leave();
  };
}
