import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useId, useRef, useState } from "react";
import { messageOf } from "@/api/errors";
import { t } from "@/i18n";
import classes from "./CellEditor.module.css";
import { type CellEditorProps, type Direction, leaves } from "./editors";
import { sayError } from "./messages";

/** Searches the row that a reference leads to. Nothing is chosen before somebody chooses. */
export function ReferenceEditor({ column, rows, text, isTyped, onCommit, onCancel }: CellEditorProps) {
  const [search, setSearch] = useState(isTyped ? text : "");
  const [settled] = useDebouncedValue(search, 120);
  const [chosen, setChosen] = useState(isTyped ? 0 : -1);
  const isEnded = useRef(false);
  const id = useId();
  const found = useQuery({
    queryKey: ["grid", "candidates", rows.app, column.reference?.graphqlName, settled],
    queryFn: ({ signal }) => rows.candidates(column, settled, signal),
    placeholderData: (previous) => previous,
  });
  const options = found.data ?? [];
  const end = (work: () => void) => {
    if (isEnded.current) return;
    isEnded.current = true;
    work();
  };
  const finish = (then: Direction) => {
    // Who types quickly is not answered yet: what counts is what the field holds, not what the list still shows.
    const isSettled = settled === search && !found.isPlaceholderData;
    const answer = isSettled ? Promise.resolve(options) : rows.candidates(column, search);
    answer
      .then((list) => {
        const option = list[isSettled ? chosen : 0];
        end(() => (option === undefined ? onCancel() : onCommit(option.id, then)));
      })
      .catch(sayError);
  };
  return (
    <div className={classes.place}>
      <input
        className={classes.editor}
        role="combobox"
        aria-label={column.name}
        aria-expanded
        aria-controls={id}
        aria-activedescendant={options[chosen] === undefined ? undefined : `${id}-${chosen}`}
        aria-autocomplete="list"
        placeholder={t("Search {table}", { table: column.reference?.table ?? "" })}
        // biome-ignore lint/a11y/noAutofocus: an editor opens where the person works
        autoFocus
        value={search}
        onChange={(event) => {
          setSearch(event.currentTarget.value);
          setChosen(0);
        }}
        onBlur={() => end(onCancel)}
        onKeyDown={(event) => {
          event.stopPropagation();
          const then = leaves(event);
          const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
          if (event.key === "Escape") end(onCancel);
          else if (step !== 0) {
            event.preventDefault();
            setChosen(Math.max(0, Math.min(options.length - 1, chosen + step)));
          } else if (then !== null) {
            event.preventDefault();
            finish(then);
          }
        }}
      />
      <div
        id={id}
        role="listbox"
        aria-label={t("Rows of {table}", { table: column.reference?.table ?? "" })}
        className={classes.below}
      >
        {options.map((option, index) => (
          // biome-ignore lint/a11y/useFocusableInteractive: focus stays in the field, which names the active option
          // biome-ignore lint/a11y/useKeyWithClickEvents: as above
          <div
            key={option.id}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === chosen}
            className={classes.option}
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => end(() => onCommit(option.id, "stay"))}
          >
            <bdi>{option.label}</bdi>
          </div>
        ))}
        {options.length === 0 && (
          // biome-ignore lint/a11y/useFocusableInteractive: it cannot be chosen
          <div className={classes.option} role="option" aria-selected={false} aria-disabled>
            {found.error ? messageOf(found.error) : found.isPending ? t("Searching …") : t("No row matches.")}
          </div>
        )}
      </div>
    </div>
  );
}
