import { Tooltip } from "@mantine/core";
import { useRef, useState, useSyncExternalStore } from "react";
import { absoluteTime, relativeTime } from "./time";

/** Shows how long ago something was, or in how long it will be, with the exact time and its zone under the pointer. */
export function Time({ at }: { at: string }) {
  const now = useSyncExternalStore(onMinute, minute);
  const element = useRef<HTMLTimeElement>(null);
  const [isUnderPointer, setUnderPointer] = useState(false);
  return (
    <>
      <time
        ref={element}
        dateTime={at}
        onPointerEnter={() => setUnderPointer(true)}
        onPointerLeave={() => setUnderPointer(false)}
      >
        {relativeTime(at, nowFor(at, now))}
      </time>
      {/* A list has many times, of which one at most is asked for. Beside it: an element that is made anew while
          the button of the mouse is down takes no click. */}
      {isUnderPointer && <Tooltip target={element} label={absoluteTime(at)} opened />}
    </>
  );
}

const minuteLength = 60_000;
/** One clock for all times of the page; it moves each minute while anything is shown. */
const clock = { now: Date.now(), timer: 0, listeners: new Set<() => void>() };

function onMinute(listener: () => void): () => void {
  if (clock.listeners.size === 0) {
    clock.now = Date.now();
    clock.timer = window.setInterval(() => {
      clock.now = Date.now();
      for (const tell of clock.listeners) tell();
    }, minuteLength);
  }
  clock.listeners.add(listener);
  return () => {
    clock.listeners.delete(listener);
    if (clock.listeners.size === 0) window.clearInterval(clock.timer);
  };
}

/** The clock is up to a minute late: what has just happened is not in the future. */
function nowFor(at: string, now: number): number {
  const time = Date.parse(at);
  return time > now && time - now < minuteLength ? time : now;
}

function minute(): number {
  return clock.now;
}
