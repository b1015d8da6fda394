import classes from "./Logo.module.css";

/** The product's mark and name. */
export function Logo({ onlyMark = false }: { onlyMark?: boolean }) {
  return (
    <span className={classes.logo}>
      <svg width="26" height="26" viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="7" className={classes.ground} />
        <path d="M8.5 23 16 8.5 23.5 23" className={classes.line} />
        <circle cx="16" cy="19" r="2.6" className={classes.dot} />
      </svg>
      {!onlyMark && <span>automio</span>}
    </span>
  );
}
