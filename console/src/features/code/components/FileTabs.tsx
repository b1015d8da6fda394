import { CloseButton } from "@mantine/core";
import { t } from "@/i18n";
import classes from "./FileTabs.module.css";

type Props = {
  paths: readonly string[];
  path: string | null;
  changed: ReadonlySet<string>;
  onOpen: (path: string) => void;
  onClose: (path: string) => void;
};

/** The open files. */
export function FileTabs({ paths, path, changed, onOpen, onClose }: Props) {
  return (
    <ul className={classes.tabs} aria-label={t("Open files")}>
      {paths.map((item) => (
        <li key={item} className={classes.tab} data-open={item === path || undefined}>
          <button
            type="button"
            className={classes.name}
            aria-current={item === path ? "true" : undefined}
            title={item}
            onClick={() => onOpen(item)}
          >
            <bdi>{item.split("/").at(-1)}</bdi>
            {changed.has(item) && (
              <span className={classes.dot} role="img" aria-label={t("not saved")}>
                ●
              </span>
            )}
          </button>
          <CloseButton size={24} iconSize={12} aria-label={t("Close {item}", { item })} onClick={() => onClose(item)} />
        </li>
      ))}
    </ul>
  );
}
