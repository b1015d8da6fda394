import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import { t } from "@/i18n";
import classes from "./DraftNotice.module.css";
import { clockTime } from "./time";

type Props = {
  /** When the draft was written that was put back; null: none was. */
  resumedAt: number | null;
  onDiscard: () => void;
  /** What else there is to know of it. */
  children?: ReactNode;
};

/** Says that what was typed before is here again, and lets it go. It is gone itself as soon as one types on. */
export function DraftNotice({ resumedAt, onDiscard, children }: Props) {
  if (resumedAt === null) return null;
  return (
    <div className={classes.notice} role="status">
      <span>
        {t("Your draft of {time} is here. It was not saved.", { time: clockTime(resumedAt) })} {children}
      </span>
      <Button size="compact-sm" variant="default" onClick={onDiscard}>
        {t("Discard the draft")}
      </Button>
    </div>
  );
}
