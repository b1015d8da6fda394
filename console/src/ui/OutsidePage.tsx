import type { ReactNode } from "react";
import { Logo } from "./Logo";
import classes from "./OutsidePage.module.css";

/** The frame of larger pages that belong to no organization: the mark, which leads home, above one column. */
export function OutsidePage({ actions, children }: { actions?: ReactNode; children: ReactNode }) {
  return (
    <div className={classes.page}>
      <header className={classes.bar}>
        <a href="/" className={classes.home}>
          <Logo />
        </a>
        {actions}
      </header>
      <main className={classes.main}>{children}</main>
    </div>
  );
}
