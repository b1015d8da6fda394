import { Skeleton } from "@mantine/core";
import type { ReactElement, ReactNode } from "react";
import classes from "./Count.module.css";

type LinkProps = { className: string | undefined; "data-bad": true | undefined; children: ReactNode };
type Props = {
  title: string;
  icon: ReactNode;
  /** `undefined`: not known yet. */
  count: number | undefined;
  /** Counts end there: it and more is shown as `99+`. */
  isBad?: boolean;
  render: (props: LinkProps) => ReactElement;
};

/** A number that leads to what it counts. */
export function Count({ title, icon, count, isBad = false, render }: Props) {
  return render({
    className: classes.count,
    "data-bad": isBad || undefined,
    children: (
      <>
        {icon}
        <span>{title}</span>
        {count === undefined ? (
          <Skeleton height={16} width={20} aria-hidden />
        ) : (
          <strong className={classes.number}>{count > 99 ? "99+" : count}</strong>
        )}
      </>
    ),
  });
}
