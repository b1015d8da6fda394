import { t } from "@/i18n";
import type { Cause, Outcome } from "../model/filters";

const outcomes: Record<Outcome, () => string> = {
  running: () => t("running"),
  waiting: () => t("waiting"),
  failed: () => t("failed"),
  completed: () => t("completed"),
  stopped: () => t("stopped"),
};
const causes: Record<Cause, () => string> = {
  manual: () => t("by hand"),
  api: () => t("by a program"),
  script: () => t("by a script"),
  webhook: () => t("by a webhook"),
  schedule: () => t("by a schedule"),
};

export const outcomeLabel = (outcome: Outcome): string => outcomes[outcome]();
export const causeLabel = (cause: Cause | null): string => (cause === null ? "" : causes[cause]());
