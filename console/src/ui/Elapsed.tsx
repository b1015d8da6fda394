import { useEffect, useState } from "react";
import { duration } from "./time";

/** Counts the seconds since it is shown. */
export function Elapsed() {
  const [begun] = useState(() => performance.now());
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = window.setInterval(() => setSeconds(Math.floor((performance.now() - begun) / 1000)), 250);
    return () => window.clearInterval(timer);
  }, [begun]);
  // A live region would read every second aloud.
  return (
    <span role="timer" aria-live="off">
      {duration(seconds)}
    </span>
  );
}
