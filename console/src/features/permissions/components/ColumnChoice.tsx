import { Checkbox, Text } from "@mantine/core";
import { t } from "@/i18n";
import classes from "./Permissions.module.css";
import type { Typed } from "./RuleEditor";

type Props = {
  legend: string;
  columns: readonly Typed[];
  /** Null: all, also those to come. */
  chosen: readonly string[] | null;
  fault: string | undefined;
  onChosen: (chosen: readonly string[] | null) => void;
};

/** Chooses which columns are open: all of them, or those that are ticked. */
export function ColumnChoice({ legend, columns, chosen, fault, onChosen }: Props) {
  return (
    <fieldset className={classes.rule}>
      <legend>{legend}</legend>
      <Checkbox
        label={t("All columns, also those that are added later")}
        checked={chosen === null}
        onChange={({ currentTarget: { checked } }) => onChosen(checked ? null : columns.map(({ name }) => name))}
      />
      {chosen !== null && (
        <div className={classes.columns}>
          {columns.map(({ name }) => (
            <Checkbox
              key={name}
              label={name}
              checked={chosen.includes(name)}
              onChange={({ currentTarget: { checked } }) =>
                // In the order of the table, so that it is the same list however it was ticked.
                onChosen(
                  columns.flatMap((item) =>
                    (item.name === name ? checked : chosen.includes(item.name)) ? item.name : [],
                  ),
                )
              }
            />
          ))}
        </div>
      )}
      {fault !== undefined && (
        <Text role="alert" size="sm" c="var(--am-error)">
          {fault}
        </Text>
      )}
    </fieldset>
  );
}
