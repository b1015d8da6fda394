import { UnstyledButton, VisuallyHidden } from "@mantine/core";
import IconCheck from "@tabler/icons-react/icons/IconCheck";
import { t } from "@/i18n";
import classes from "./Steps.module.css";

export type Step = {
  title: string;
  /** Goes there; absent where one cannot go now. */
  onGo?: (() => void) | undefined;
};

type Props = {
  label: string;
  steps: readonly Step[];
  /** Which step one is at, from 0; as many as there are steps when all are done. */
  current: number;
};

/** The way through something in steps: what is done, where one is, what comes. */
export function Steps({ label, steps, current }: Props) {
  return (
    <ol className={classes.steps} aria-label={label}>
      {steps.map(({ title, onGo }, index) => {
        const isDone = index < current;
        const isCurrent = index === current;
        const content = (
          <>
            <span className={classes.mark} aria-hidden>
              {isDone ? <IconCheck size={14} /> : index + 1}
            </span>
            <span>{title}</span>
            {isDone && <VisuallyHidden>{t("done")}</VisuallyHidden>}
          </>
        );
        return (
          <li
            key={title}
            className={classes.step}
            data-state={isDone ? "done" : isCurrent ? "current" : "next"}
            aria-current={isCurrent ? "step" : undefined}
          >
            {onGo === undefined ? (
              <span className={classes.name}>{content}</span>
            ) : (
              <UnstyledButton className={classes.name} onClick={onGo}>
                {content}
              </UnstyledButton>
            )}
          </li>
        );
      })}
    </ol>
  );
}
