import IconArrowRight from "@tabler/icons-react/icons/IconArrowRight";
import IconKey from "@tabler/icons-react/icons/IconKey";
import { Link } from "@tanstack/react-router";
import { Handle, type Node, type NodeProps, Position, useReactFlow } from "@xyflow/react";
import { memo } from "react";
import { useOrganization } from "@/api/context";
import type { TableRead } from "@/features/tables";
import { t } from "@/i18n";
import { nameOfType } from "../model/columns";
import { columnsOf } from "../model/diagram";
import classes from "./Diagram.module.css";

export type TableNode = Node<{ app: string; table: TableRead; isDimmed: boolean; isChosen: boolean }, "table">;

/** One table of the diagram. Its name leads to it; with the keyboard the picture follows the focus. */
export const DiagramTable = memo(function DiagramTable({ id, data }: NodeProps<TableNode>) {
  const { app, table, isDimmed, isChosen } = data;
  const org = useOrganization();
  const flow = useReactFlow();
  const { shown, more } = columnsOf(table);
  const follow = (link: HTMLElement) => {
    if (link.matches(":focus-visible")) void flow.fitView({ nodes: [{ id }], maxZoom: 1 });
  };
  return (
    <div className={classes.table} data-dimmed={isDimmed || undefined} data-chosen={isChosen || undefined}>
      <Handle type="target" position={Position.Left} isConnectable={false} className={classes.handle} />
      <div className={classes.name}>
        <Link
          to="/$org/$app/tables/$table/schema"
          params={{ org, app, table: table.name }}
          className="nopan"
          onFocus={(event) => follow(event.currentTarget)}
        >
          <bdi>{table.name}</bdi>
        </Link>
      </div>
      <ul className={classes.columns}>
        {shown.map((column) => (
          <li key={column.name} className={classes.column}>
            <Sign table={table} column={column.name} />
            <bdi>{column.name}</bdi>
            <span className={classes.type}>{nameOfType(column.type)}</span>
          </li>
        ))}
        {more > 0 && (
          <li className={classes.column}>
            <span className={classes.type}>
              {t("{count, plural, one {# more column} other {# more columns}}", { count: more })}
            </span>
          </li>
        )}
      </ul>
      <Handle type="source" position={Position.Right} isConnectable={false} className={classes.handle} />
    </div>
  );
});

function Sign({ table, column }: { table: TableRead; column: string }) {
  const reference = table.foreign_keys.find((key) => key.column === column);
  if (reference !== undefined) {
    return <IconArrowRight size={14} role="img" aria-label={t("leads to {table}", { table: reference.table })} />;
  }
  const isKey = table.unique.some(({ columns }) => columns.includes(column));
  return isKey ? <IconKey size={14} role="img" aria-label={t("in a unique key")} /> : null;
}
