import { Text } from "@mantine/core";
import { useEffect, useState } from "react";
import { t } from "@/i18n";
import { duration } from "./time";

/** Counts seconds down, and calls `onOver` at the end. */
export function Countdown({ seconds, onOver }: { seconds: number; onOver?: (() => void) | undefined }) {
  const [end] = useState(() => performance.now() + seconds * 1000);
  const [left, setLeft] = useState(seconds);
  const isOver = left <= 0;
  useEffect(() => {
    const timer = window.setInterval(() => setLeft(Math.ceil((end - performance.now()) / 1000)), 250);
    return () => window.clearInterval(timer);
  }, [end]);
  useEffect(() => {
    if (isOver) onOver?.();
  }, [isOver, onOver]);
  // A live region would read every second aloud.
  return (
    <Text size="sm" role="timer" aria-live="off">
      {isOver ? t("You can try again now.") : t("Try again in {time}.", { time: duration(left) })}
    </Text>
  );
}
