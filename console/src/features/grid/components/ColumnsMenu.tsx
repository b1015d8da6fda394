import { ActionIcon, Button, Checkbox, Popover } from "@mantine/core";
import IconArrowDown from "@tabler/icons-react/icons/IconArrowDown";
import IconArrowUp from "@tabler/icons-react/icons/IconArrowUp";
import IconColumns3 from "@tabler/icons-react/icons/IconColumns3";
import IconSortAscending from "@tabler/icons-react/icons/IconSortAscending";
import { t } from "@/i18n";
import type { Column } from "../model/columns";
import type { Order } from "../model/filter";
import type { Layout } from "../model/layout";
import classes from "./Toolbar.module.css";

type ColumnsMenuProps = {
  /** All columns, in their order. */
  columns: readonly Column[];
  layout: Layout;
  order: Order;
  onLayout: (layout: Layout) => void;
  onSort: (column: string, isAdded: boolean) => void;
};

/** Hides, orders and sorts columns, also with the keyboard. */
export function ColumnsMenu({ columns, layout, order, onLayout, onSort }: ColumnsMenuProps) {
  const names = columns.map(({ name }) => name);
  const swap = (index: number, other: number) => {
    const moved = names.toSpliced(index, 1).toSpliced(other, 0, names[index] ?? "");
    onLayout({ ...layout, order: moved });
  };
  return (
    <Popover trapFocus returnFocus position="bottom-end" transitionProps={{ duration: 0 }}>
      <Popover.Target>
        <Button variant="default" leftSection={<IconColumns3 size={16} aria-hidden />}>
          {layout.hidden.length === 0 ? t("Columns") : t("Columns ({count} hidden)", { count: layout.hidden.length })}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={t("Columns")}>
        <ul className={classes.columns}>
          {columns.map((column, index) => {
            const isHidden = layout.hidden.includes(column.name);
            const sorted = order.find((item) => item.column === column.name);
            return (
              <li key={column.name} className={classes.column}>
                <Checkbox
                  label={column.name}
                  checked={!isHidden}
                  onChange={() =>
                    onLayout({
                      ...layout,
                      hidden: isHidden
                        ? layout.hidden.filter((name) => name !== column.name)
                        : [...layout.hidden, column.name],
                    })
                  }
                />
                <ActionIcon
                  variant={sorted === undefined ? "subtle" : "light"}
                  color="gray"
                  aria-label={t("Sort by {column}", { column: column.name })}
                  aria-pressed={sorted !== undefined}
                  disabled={column.type === "json"}
                  onClick={() => onSort(column.name, false)}
                >
                  <IconSortAscending size={16} aria-hidden />
                </ActionIcon>
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  aria-label={t("Move {column} up", { column: column.name })}
                  disabled={index === 0}
                  onClick={() => swap(index, index - 1)}
                >
                  <IconArrowUp size={16} aria-hidden />
                </ActionIcon>
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  aria-label={t("Move {column} down", { column: column.name })}
                  disabled={index === columns.length - 1}
                  onClick={() => swap(index, index + 1)}
                >
                  <IconArrowDown size={16} aria-hidden />
                </ActionIcon>
              </li>
            );
          })}
        </ul>
      </Popover.Dropdown>
    </Popover>
  );
}
