import { Checkbox, NativeSelect, Text, TextInput } from "@mantine/core";
import { t } from "@/i18n";
import { number } from "@/ui/time";
import type { Preview, PreviewColumn, TablePlan } from "../api";
import { changeColumn, changeKey, plannedTypes } from "../model/plan";
import { confidenceWord, typeChoices } from "../model/words";
import classes from "./Imports.module.css";

type Props = {
  preview: Preview;
  plan: TablePlan;
  names: ReadonlyMap<number, string>;
  onPlan: (plan: TablePlan) => void;
};

/** What each column of the file becomes: its name, its type, whether it is in, whether it is the key. */
export function PlanColumns({ preview, plan, names, onPlan }: Props) {
  return (
    <div className={classes.scroll}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th>{t("In")}</th>
            <th>{t("In the file")}</th>
            <th>{t("Column")}</th>
            <th>{t("Type")}</th>
            <th>{t("Key")}</th>
            <th>{t("Speaks against it")}</th>
          </tr>
        </thead>
        <tbody>
          {preview.columns.map((column) => {
            const planned = plan.columns.find(({ position }) => position === column.position);
            const heading = column.header || t("column {number}", { number: column.position });
            const isIn = planned !== undefined && planned.name !== null;
            return (
              <tr key={column.position}>
                <td>
                  <Checkbox
                    size="xs"
                    aria-label={t("Import {heading}", { heading })}
                    checked={isIn}
                    onChange={(event) => {
                      const name = names.get(column.position) ?? `column_${column.position}`;
                      onPlan(changeColumn(plan, column.position, { name: event.currentTarget.checked ? name : null }));
                    }}
                  />
                </td>
                <td className={classes.heading}>
                  <bdi>{heading}</bdi>
                </td>
                <td>
                  <TextInput
                    size="xs"
                    className={classes.input}
                    aria-label={t("Name of {heading}", { heading })}
                    value={planned?.name ?? ""}
                    disabled={!isIn}
                    maxLength={63}
                    onChange={(event) =>
                      onPlan(changeColumn(plan, column.position, { name: event.currentTarget.value }))
                    }
                  />
                </td>
                <td>
                  <NativeSelect
                    size="xs"
                    className={classes.input}
                    aria-label={t("Type of {heading}", { heading })}
                    data={typeChoices()}
                    value={planned?.type ?? "text"}
                    disabled={!isIn}
                    onChange={(event) => {
                      const type = plannedTypes.find((known) => known === event.currentTarget.value);
                      if (type !== undefined) onPlan(changeColumn(plan, column.position, { type }));
                    }}
                  />
                  <Text size="xs" c="dimmed">
                    {confidenceWord(column.confidence)}
                  </Text>
                </td>
                <td>
                  <Checkbox
                    size="xs"
                    aria-label={t("{heading} is part of the key", { heading })}
                    disabled={!isIn}
                    checked={isIn && (plan.key ?? []).includes(planned.name ?? "")}
                    onChange={(event) =>
                      isIn && onPlan(changeKey(plan, planned.name ?? "", event.currentTarget.checked))
                    }
                  />
                </td>
                <td>{isIn && <Against column={column} />}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** The values that a type would not take, shown on demand. */
export function Against({ column }: { column: PreviewColumn }) {
  if (column.against_count === 0) return <span className={classes.muted}>{t("nothing")}</span>;
  const count = column.against_count;
  return (
    <details>
      <summary className={classes.warn}>{t("{count, plural, one {# value} other {# values}}", { count })}</summary>
      <ul className={classes.against}>
        {column.against.map((item) => (
          <li key={item.line}>
            {t("Line {line}", { line: number(item.line) })}: <bdi>{item.reason}</bdi>
          </li>
        ))}
        {count > column.against.length && (
          <li>{t("and {count} more", { count: number(count - column.against.length) })}</li>
        )}
      </ul>
    </details>
  );
}
