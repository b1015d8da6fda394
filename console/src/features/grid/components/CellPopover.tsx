import { Popover } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./CellEditor.module.css";

type CellPopoverProps = {
  label: string;
  /** Keeps the focus inside, and gives it to the first control; an editor takes it by itself. */
  isFocused?: boolean;
  onClose: () => void;
  /** Called when the focus goes elsewhere. */
  onLeave: () => void;
  children: ReactNode;
};

/** Opens beside a cell, outside of the grid's scroller, wherever there is room. Escape closes it. */
export function CellPopover({ label, isFocused = false, onClose, onLeave, children }: CellPopoverProps) {
  return (
    <Popover opened trapFocus={isFocused} position="bottom-start" offset={2} shadow="md" withinPortal withRoles={false}>
      <Popover.Target>
        <div className={classes.anchor} />
      </Popover.Target>
      <Popover.Dropdown
        role="dialog"
        aria-label={label}
        className={classes.popover}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === "Escape") onClose();
        }}
        onPointerDown={(event) => event.stopPropagation()}
        onDoubleClick={(event) => event.stopPropagation()}
        onBlur={({ currentTarget, relatedTarget }) => {
          if (!(relatedTarget instanceof Node && currentTarget.contains(relatedTarget))) onLeave();
        }}
      >
        {children}
      </Popover.Dropdown>
    </Popover>
  );
}
