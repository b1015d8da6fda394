import type { ReactNode } from "react";
import { t } from "@/i18n";
import type { RowsApi } from "../api";
import type { Reference, Value } from "../model/columns";
import { CellEditor } from "./CellEditor";
import { CellPopover } from "./CellPopover";
import type { Direction } from "./editors";
import { LargeValue } from "./LargeValue";
import type { Opened } from "./useEdit";

type OpenedCellProps = {
  opened: Opened;
  rows: RowsApi;
  notice: string | null;
  peek: (reference: Reference, id: string) => ReactNode;
  onCommit: (value: Value, then: Direction | "stay") => void;
  onClose: () => void;
};

/** Shows over a cell what it was opened for: its editor, the row that it refers to, or how large it is. */
export function OpenedCell({ opened, rows, notice, peek, onCommit, onClose }: OpenedCellProps) {
  const { row, column } = opened;
  if (opened.kind === "edit") {
    const { text, isTyped } = opened;
    return <CellEditor {...{ column, rows, text, isTyped, notice, onCommit }} onCancel={onClose} />;
  }
  if (opened.kind === "large") {
    return (
      <CellPopover label={column.name} isFocused onClose={onClose} onLeave={onClose}>
        <LargeValue rows={rows} column={column} id={row.id} />
      </CellPopover>
    );
  }
  return (
    <CellPopover
      label={t("Row of {table}", { table: column.reference?.table ?? "" })}
      isFocused
      onClose={onClose}
      onLeave={onClose}
    >
      {column.reference !== null && peek(column.reference, String(row.values[column.name]))}
    </CellPopover>
  );
}
