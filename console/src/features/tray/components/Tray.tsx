import { ActionIcon, Popover, Title, Tooltip } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import IconListCheck from "@tabler/icons-react/icons/IconListCheck";
import { useEffect, useRef, useState } from "react";
import { t } from "@/i18n";
import { isOpen } from "../model/tasks";
import { useTasks } from "../model/use-tasks";
import { TaskItem } from "./TaskItem";
import classes from "./Tray.module.css";

/** The button of the task tray, and the tray. Absent as long as there is nothing. */
export function Tray() {
  const tasks = useTasks();
  const [isShown, setShown] = useState(false);
  const running = tasks.filter(isOpen).length;
  const tray = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // A button that had the focus goes with what it would have ended; the keys stay in the tray.
    if (isShown && tasks.length > 0 && document.activeElement === document.body) tray.current?.focus();
  }, [isShown, tasks]);
  // What is over at once does not make the header flicker.
  const [isThere] = useDebouncedValue(tasks.length > 0, 500);
  if (tasks.length === 0 || !isThere) return null;
  const label =
    running === 0
      ? t("Tasks")
      : t("Tasks: {count, plural, one {# is running} other {# are running}}", { count: running });
  return (
    <Popover
      opened={isShown}
      onChange={setShown}
      position="bottom-end"
      width="min(26rem, calc(100vw - 2rem))"
      trapFocus
      returnFocus
      shadow="md"
    >
      <Popover.Target>
        <Tooltip label={label} disabled={isShown}>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={label}
            className={classes.button}
            onClick={() => setShown(!isShown)}
          >
            <IconListCheck size={18} aria-hidden />
            {running > 0 && (
              <span className={classes.count} aria-hidden>
                {running}
              </span>
            )}
          </ActionIcon>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown ref={tray} aria-label={t("Tasks")} className={classes.tray}>
        <Title order={2} size="h5">
          {t("Tasks")}
        </Title>
        <ul className={classes.list}>
          {tasks.map((task) => (
            <TaskItem key={task.key} task={task} onLeave={() => setShown(false)} />
          ))}
        </ul>
      </Popover.Dropdown>
    </Popover>
  );
}
