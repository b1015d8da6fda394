import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { useCommands } from "@/commands/registry";
import type { TableRead } from "@/features/tables";
import { t } from "@/i18n";
import { planQuery } from "../api";
import { type ColumnForm, newColumn } from "../model/columns";
import {
  countChanges,
  dropColumn,
  editOf,
  keyOfIndex,
  keysOf,
  move,
  noTable,
  putColumn,
  type Staged,
  shownColumns,
} from "../model/staged";
import type { Applying } from "../model/use-applying";
import { ColumnFields } from "./ColumnFields";
import { ColumnList } from "./ColumnList";
import { KeyList, type ShownKey } from "./KeyLists";
import { PlanPanel } from "./PlanPanel";
import classes from "./Schema.module.css";

type Props = {
  app: string;
  /** The table that is changed; null for a new one. */
  base: TableRead | null;
  tables: readonly TableRead[];
  staged: Staged;
  onStage: (staged: Staged) => void;
  onApply: () => void;
  onDiscard: () => void;
  applying: Applying;
  hindrance: string | null;
  /** Above the lists: the table's own fields. */
  children: ReactNode;
};

/** The key of the column whose form is open, `null` for a new one. */
type Open = { key: string | null; form: ColumnForm };

/** Columns, keys and indexes at the left; at the right the form that is open, or what the plan would do. */
export function SchemaEditor(props: Props) {
  const { app, base: read, tables, staged, onStage, onApply, onDiscard, applying, hindrance, children } = props;
  const api = useApi();
  const org = useOrganization();
  const [open, setOpen] = useState<Open | null>(null);
  const base = read ?? noTable;
  const shown = useMemo(() => shownColumns(base, staged), [base, staged]);
  const edit = useMemo(() => {
    const change = editOf(base, staged);
    return read === null ? change : { ...change, base_revision: read.revision };
  }, [base, read, staged]);
  const count = countChanges(staged);
  const isPlanned = count > 0 && hindrance === null && !applying.isPending;
  const plan = useQuery({ ...planQuery(api, app, read?.name ?? null, edit), enabled: isPlanned });
  // Reads how many rows there are before anything is staged.
  const size = useQuery({ ...planQuery(api, app, read?.name ?? null, {}), enabled: read !== null && open !== null });

  const keys = keysOf(base, staged, shown);
  const keptUnique = base.unique.filter(({ name }) => !staged.uniqueDropped.includes(name));
  const uniques = keys.unique.map(({ columns }, at): ShownKey => {
    const kept = at < keys.unique.length - staged.uniqueAdded.length;
    const names = keptUnique.filter((key) => key.columns.every((column) => !staged.dropped.includes(column)));
    const name = kept ? (names[at]?.name ?? "") : "";
    const added = at - (keys.unique.length - staged.uniqueAdded.length);
    return { id: kept ? name : `+${added}`, columns, note: name, isNew: !kept };
  });
  const keptIndexes = base.indexes.filter(
    ({ columns }) =>
      !staged.indexDropped.includes(keyOfIndex(columns)) && columns.every((column) => !staged.dropped.includes(column)),
  );
  const indexes = keys.indexes.map(({ columns }, at): ShownKey => {
    const kept = keptIndexes[at];
    return kept === undefined
      ? { id: `+${at - keptIndexes.length}`, columns, note: "", isNew: true }
      : { id: keyOfIndex(kept.columns), columns, note: "", isNew: false };
  });
  const choices = shown
    .filter(({ form }) => form.type !== "json")
    .map(({ key, form }) => ({ key: key.startsWith("+") ? form.name : key, name: form.name }));

  const act = useRef({ onApply, setOpen });
  act.current = { onApply, setOpen };
  const canApply =
    plan.data !== undefined && !plan.data.checks.some(({ state }) => state === "fails" || state === "impossible");
  const isReady = isPlanned && canApply && open === null;
  useCommands(
    useMemo(
      () => [
        {
          id: "schema.column",
          title: t("New column"),
          group: t("Table"),
          keys: "n",
          run: () => act.current.setOpen({ key: null, form: newColumn }),
        },
        ...(isReady
          ? [
              {
                id: "schema.apply",
                title: t("Apply the plan"),
                group: t("Table"),
                keys: "mod+enter",
                run: () => act.current.onApply(),
              },
            ]
          : []),
      ],
      [isReady],
    ),
  );
  // After Apply and Discard there is nothing left that a form could belong to.
  useEffect(() => {
    if (count === 0) setOpen((item) => (item?.key?.startsWith("+") ? null : item));
  }, [count]);

  const editColumn = (key: string) => {
    const column = shown.find((item) => item.key === key);
    if (column !== undefined) setOpen({ key, form: column.form });
  };
  return (
    <div className={classes.workbench}>
      <div className={classes.lists}>
        {children}
        <ColumnList
          columns={shown}
          dropped={staged.dropped}
          onAdd={() => setOpen({ key: null, form: newColumn })}
          onEdit={editColumn}
          onDrop={(key) => {
            setOpen(null);
            onStage(dropColumn(staged, key));
          }}
          onKeep={(name) => onStage({ ...staged, dropped: staged.dropped.filter((item) => item !== name) })}
          onMove={(key, by) => onStage(move(base, staged, key, by))}
        />
        <KeyList
          title={t("Unique keys")}
          explanation={t("No two rows of an organization have the same values in these columns.")}
          noun={t("unique key")}
          keys={uniques}
          columns={choices}
          onAdd={(columns) => onStage({ ...staged, uniqueAdded: [...staged.uniqueAdded, columns] })}
          onDrop={(id) =>
            onStage(
              id.startsWith("+")
                ? { ...staged, uniqueAdded: staged.uniqueAdded.filter((_, at) => `+${at}` !== id) }
                : { ...staged, uniqueDropped: [...staged.uniqueDropped, id] },
            )
          }
        />
        <KeyList
          title={t("Indexes")}
          explanation={t("Make searching and sorting by these columns quick, and writing a little slower.")}
          noun={t("index")}
          keys={indexes}
          columns={choices}
          onAdd={(columns) => onStage({ ...staged, indexAdded: [...staged.indexAdded, columns] })}
          onDrop={(id) =>
            onStage(
              id.startsWith("+")
                ? { ...staged, indexAdded: staged.indexAdded.filter((_, at) => `+${at}` !== id) }
                : { ...staged, indexDropped: [...staged.indexDropped, id] },
            )
          }
        />
      </div>
      <aside className={classes.side} aria-label={open === null ? t("Plan") : t("Column")}>
        {open !== null ? (
          <ColumnFields
            key={open.key ?? "new"}
            title={open.key === null ? t("New column") : t("Column {name}", { name: open.form.name })}
            initial={open.form}
            tables={tables.map(({ name }) => name)}
            taken={shown.filter(({ key }) => key !== open.key).map(({ form }) => form.name)}
            rows={size.data?.rows ?? null}
            onCancel={() => setOpen(null)}
            onDone={(form) => {
              onStage(putColumn(base, staged, open.key, form));
              setOpen(null);
            }}
          />
        ) : (
          <PlanPanel
            org={org}
            app={app}
            table={read?.name ?? null}
            count={count}
            change={edit}
            plan={isPlanned || applying.isPending ? plan.data : undefined}
            error={isPlanned ? plan.error : null}
            applying={applying}
            hindrance={count > 0 ? hindrance : null}
            typeOf={(column) => base.columns.find(({ name }) => name === column)?.type ?? "text"}
            onRetry={() => void plan.refetch()}
            onApply={onApply}
            onDiscard={onDiscard}
            onGiveDefault={(name) => {
              const column = shown.find(({ form }) => form.name === name);
              if (column !== undefined) editColumn(column.key);
            }}
          />
        )}
      </aside>
    </div>
  );
}
