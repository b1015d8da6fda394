import IconCloudOff from "@tabler/icons-react/icons/IconCloudOff";
import { useEffect, useState, useSyncExternalStore } from "react";
import { isServerReached, onReach } from "@/api/reach";
import { t } from "@/i18n";
import classes from "./OfflineNote.module.css";

/** A shorter outage is not worth a word. */
const after = 3_000;

/** Says, on every page, that the server cannot be reached, until it answers again. */
export function OfflineNote() {
  const isReached = useSyncExternalStore(onReach, isServerReached);
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    if (isReached) return;
    const timer = setTimeout(() => setLong(true), after);
    return () => {
      clearTimeout(timer);
      setLong(false);
    };
  }, [isReached]);
  return (
    <div role="status" className={classes.place}>
      {isLong && (
        <span className={classes.note}>
          <IconCloudOff size={16} aria-hidden />
          {t("Offline: the server cannot be reached. Trying again.")}
        </span>
      )}
    </div>
  );
}
