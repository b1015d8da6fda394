import { CloseButton } from "@mantine/core";
import type { ReactNode } from "react";
import { t } from "@/i18n";
import classes from "./DocumentTabs.module.css";

/** An open document; `hint` is all of its name where `title` is a part. */
export type OpenDocument = { id: string; title: string; hint?: string; isChanged?: boolean };

type Props = {
  label: string;
  documents: readonly OpenDocument[];
  /** The id of the document that is shown. */
  shown: string | null;
  onOpen: (id: string) => void;
  onClose: (id: string) => void;
  /** After the tabs: what opens another. */
  more?: ReactNode;
};

/** The documents that are open side by side in an editor. */
export function DocumentTabs({ label, documents, shown, onOpen, onClose, more }: Props) {
  return (
    <ul className={classes.tabs} aria-label={label}>
      {documents.map(({ id, title, hint = title, isChanged = false }) => (
        <li key={id} className={classes.tab} data-open={id === shown || undefined}>
          <button
            type="button"
            className={classes.name}
            aria-current={id === shown ? "true" : undefined}
            title={hint}
            onClick={() => onOpen(id)}
          >
            <bdi>{title}</bdi>
            {isChanged && (
              <span className={classes.dot} role="img" aria-label={t("not saved")}>
                ●
              </span>
            )}
          </button>
          <CloseButton
            size={24}
            iconSize={12}
            aria-label={t("Close {name}", { name: hint })}
            onClick={() => onClose(id)}
          />
        </li>
      ))}
      {more !== undefined && <li className={classes.tab}>{more}</li>}
    </ul>
  );
}
