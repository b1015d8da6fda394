import { VisuallyHidden } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { t } from "@/i18n";
import { endedSince, type Task } from "../model/tasks";
import { useTasks } from "../model/use-tasks";

/** Says aloud what has ended, whatever page is open. */
export function TaskNews() {
  const tasks = useTasks();
  const before = useRef<readonly Task[]>([]);
  const [news, setNews] = useState("");
  useEffect(() => {
    const ended = endedSince(before.current, tasks);
    before.current = tasks;
    if (ended.length > 0) {
      setNews(ended.map(({ title, words }) => t("{title}: {words}", { title, words })).join(" "));
    }
  }, [tasks]);
  return (
    <VisuallyHidden role="status" aria-label={t("Tasks that have ended")}>
      {news}
    </VisuallyHidden>
  );
}
