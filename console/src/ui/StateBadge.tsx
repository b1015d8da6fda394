import IconCircleCheck from "@tabler/icons-react/icons/IconCircleCheck";
import IconCircleDashed from "@tabler/icons-react/icons/IconCircleDashed";
import IconCircleX from "@tabler/icons-react/icons/IconCircleX";
import IconPlayerPlay from "@tabler/icons-react/icons/IconPlayerPlay";
import IconPlayerStop from "@tabler/icons-react/icons/IconPlayerStop";
import { t } from "@/i18n";
import classes from "./StateBadge.module.css";

export type RunStateName = "pending" | "claimed" | "running" | "completed" | "failed" | "stopped";

const states = {
  pending: { icon: IconCircleDashed, tone: "waiting", label: () => t("waiting") },
  claimed: { icon: IconCircleDashed, tone: "waiting", label: () => t("starting") },
  running: { icon: IconPlayerPlay, tone: "running", label: () => t("running") },
  completed: { icon: IconCircleCheck, tone: "ok", label: () => t("completed") },
  failed: { icon: IconCircleX, tone: "error", label: () => t("failed") },
  stopped: { icon: IconPlayerStop, tone: "muted", label: () => t("stopped") },
} as const;

/** Names a state of a run in the language of the console. */
export function stateLabel(state: RunStateName): string {
  return states[state].label();
}

/** Shows a state by icon, word and colour; never by colour alone. */
export function StateBadge({ state }: { state: RunStateName }) {
  const { icon: Icon, tone, label } = states[state];
  return (
    <span className={classes.badge} data-tone={tone}>
      <Icon size={16} aria-hidden />
      {label()}
    </span>
  );
}
