import classes from "./RowCheckbox.module.css";

type Props = { label: string; isChecked: boolean; isPartly?: boolean; onToggle: () => void };

/** Chooses a row of a list, or all of them; the browser's own, for a list has many. */
export function RowCheckbox({ label, isChecked, isPartly = false, onToggle }: Props) {
  return (
    <input
      type="checkbox"
      className={classes.checkbox}
      aria-label={label}
      checked={isChecked}
      ref={(element) => {
        if (element !== null) element.indeterminate = isPartly;
      }}
      onChange={onToggle}
    />
  );
}
