import { ActionIcon, Menu } from "@mantine/core";
import IconChevronDown from "@tabler/icons-react/icons/IconChevronDown";
import IconDots from "@tabler/icons-react/icons/IconDots";
import IconFileText from "@tabler/icons-react/icons/IconFileText";
import IconPlayerPlay from "@tabler/icons-react/icons/IconPlayerPlay";
import IconPuzzle from "@tabler/icons-react/icons/IconPuzzle";
import { type KeyboardEvent, type MouseEvent, useRef, useState } from "react";
import { t } from "@/i18n";
import type { Section } from "../model/files";
import classes from "./FileTree.module.css";

const titles = {
  actions: () => t("Actions"),
  modules: () => t("Shared modules"),
  others: () => t("Other files"),
} as const;
const icons = { actions: IconPlayerPlay, modules: IconPuzzle, others: IconFileText } as const;

type Props = {
  sections: readonly Section[];
  path: string | null;
  changed: ReadonlySet<string>;
  onOpen: (path: string) => void;
  onRename: (path: string) => void;
  onDelete: (path: string) => void;
};

/** The files of an app. Arrow keys walk, Enter opens, F2 renames, Delete deletes. */
export function FileTree({ sections, path, changed, onOpen, onRename, onDelete }: Props) {
  const tree = useRef<HTMLDivElement>(null);
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const [focused, setFocused] = useState<string | null>(null);
  const shown = sections.filter(({ paths }) => paths.length > 0);
  const items = shown.flatMap(({ name, paths }) => [`section:${name}`, ...(folded.has(name) ? [] : paths)]);
  const current = [focused, path].find((item) => item !== null && items.includes(item)) ?? items[0] ?? null;
  const focus = (item: string | undefined) => {
    if (item === undefined) return;
    setFocused(item);
    tree.current?.querySelector<HTMLElement>(`[data-item="${CSS.escape(item)}"]`)?.focus();
  };
  const fold = (name: string, isFolded: boolean) => {
    const next = new Set(folded);
    if (isFolded) next.add(name);
    else next.delete(name);
    setFolded(next);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const item = event.target instanceof HTMLElement ? event.target.dataset.item : undefined;
    if (item === undefined) return;
    const at = items.indexOf(item);
    const section = item.startsWith("section:") ? item.slice("section:".length) : null;
    const next = neighbour(event.key, items, at);
    if (next !== undefined) focus(next);
    else if (section !== null && event.key === "ArrowRight") fold(section, false);
    else if (section !== null && event.key === "ArrowLeft") fold(section, true);
    else if (section !== null && event.key === "Enter") fold(section, !folded.has(section));
    else if (section === null && event.key === "Enter") onOpen(item);
    else if (section === null && event.key === "F2") onRename(item);
    else if (section === null && event.key === "Delete") onDelete(item);
    else return;
    event.preventDefault();
  };
  return (
    <div ref={tree} role="tree" aria-label={t("Files")} className={classes.tree} onKeyDown={onKeyDown}>
      {shown.map(({ name, paths }) => (
        <div key={name}>
          <div
            role="treeitem"
            aria-level={1}
            aria-expanded={!folded.has(name)}
            aria-selected={false}
            data-item={`section:${name}`}
            tabIndex={current === `section:${name}` ? 0 : -1}
            className={classes.section}
            onClick={() => fold(name, !folded.has(name))}
            onKeyDown={() => undefined}
          >
            <IconChevronDown size={14} aria-hidden className={classes.arrow} />
            {titles[name]()}
          </div>
          {!folded.has(name) &&
            paths.map((item) => {
              const Icon = icons[name];
              const isChanged = changed.has(item);
              return (
                <div
                  key={item}
                  role="treeitem"
                  aria-level={2}
                  aria-selected={item === path}
                  aria-label={isChanged ? t("{item}, not saved", { item }) : item}
                  data-item={item}
                  data-open={item === path || undefined}
                  tabIndex={current === item ? 0 : -1}
                  className={classes.file}
                  onClick={(event) => isOnItem(event) && onOpen(item)}
                  onKeyDown={() => undefined}
                >
                  <Icon size={14} aria-hidden className={classes.icon} />
                  <bdi className={classes.name}>{item}</bdi>
                  {isChanged && <span className={classes.dot} aria-hidden />}
                  <Menu position="bottom-end" withinPortal>
                    <Menu.Target>
                      <ActionIcon
                        size={24}
                        variant="subtle"
                        color="gray"
                        aria-label={t("More about {item}", { item })}
                        className={classes.more}
                      >
                        <IconDots size={14} aria-hidden />
                      </ActionIcon>
                    </Menu.Target>
                    <Menu.Dropdown>
                      <Menu.Item onClick={() => onRename(item)} rightSection="F2">
                        {t("Rename")}
                      </Menu.Item>
                      <Menu.Item onClick={() => onDelete(item)} rightSection={t("Del")}>
                        {t("Delete")}
                      </Menu.Item>
                    </Menu.Dropdown>
                  </Menu>
                </div>
              );
            })}
        </div>
      ))}
    </div>
  );
}

/** Returns the item to which a key leads from the one at `at`; undefined where it leads nowhere. */
function neighbour(key: string, items: readonly string[], at: number): string | undefined {
  if (key === "ArrowDown") return items[at + 1];
  if (key === "ArrowUp") return items[at - 1];
  if (key === "Home") return items[0];
  if (key === "End") return items.at(-1);
  const isSection = items[at]?.startsWith("section:") ?? true;
  return key === "ArrowLeft" && !isSection
    ? items.slice(0, at).findLast((other) => other.startsWith("section:"))
    : undefined;
}

/** Tells whether a click was on the item itself, not on its button or in the menu of that. */
function isOnItem({ target, currentTarget }: MouseEvent<HTMLElement>): boolean {
  return target instanceof Element && currentTarget.contains(target) && target.closest("button") === null;
}
