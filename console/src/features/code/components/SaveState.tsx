import IconAlertTriangle from "@tabler/icons-react/icons/IconAlertTriangle";
import IconCircleCheck from "@tabler/icons-react/icons/IconCircleCheck";
import IconCloudOff from "@tabler/icons-react/icons/IconCloudOff";
import IconLoader from "@tabler/icons-react/icons/IconLoader";
import IconLock from "@tabler/icons-react/icons/IconLock";
import IconPencil from "@tabler/icons-react/icons/IconPencil";
import { t } from "@/i18n";
import type { Snapshot } from "../model/workspace";
import classes from "./SaveState.module.css";

const icons = {
  saved: IconCircleCheck,
  unsaved: IconPencil,
  saving: IconLoader,
  offline: IconCloudOff,
  conflict: IconAlertTriangle,
  refused: IconAlertTriangle,
} as const;

/** Says whether what is on the screen is saved. */
export function SaveState({ snapshot }: { snapshot: Snapshot }) {
  const Icon = icons[snapshot.state];
  return (
    <span className={classes.state} data-state={snapshot.state} role="status">
      <Icon size={16} aria-hidden />
      {textOf(snapshot)}
    </span>
  );
}

/** Says that what is shown cannot be changed, and why. */
export function ReadOnly({ version }: { version: number }) {
  return (
    <span className={classes.state} role="status">
      <IconLock size={16} aria-hidden />
      {t("v{version}, read-only: builders of the organization that owns the app change its source", { version })}
    </span>
  );
}

function textOf({ state, base, edits }: Snapshot): string {
  if (state === "saved")
    return base.number === 0 ? t("Nothing saved yet") : t("Saved v{version}", { version: base.number });
  if (state === "saving") return t("Saving");
  if (state === "offline") return t("Not saved (offline, retrying)");
  if (state === "conflict") return t("Conflict");
  if (state === "refused") return t("Not saved");
  return t("{count, plural, one {Not saved, draft kept} other {# files not saved, drafts kept}}", {
    count: edits.size,
  });
}
