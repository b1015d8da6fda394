import IconChevronRight from "@tabler/icons-react/icons/IconChevronRight";
import { useState } from "react";
import { exactDigits } from "@/api/exact";
import { t } from "@/i18n";
import { download } from "./download";
import classes from "./JsonTree.module.css";
import { bytes } from "./time";

/** How many members of an array or object are shown at once; more are asked for. */
const pageSize = 100;
/** Longer texts are not shown as if they were whole. */
const maxText = 64_000;

type TreeProps = {
  value: unknown;
  label: string;
  /** How many levels are open at first. */
  levels?: number;
};

/** Shows a JSON value as a tree that opens level by level. */
export function JsonTree({ value, label, levels = 1 }: TreeProps) {
  return (
    <section className={classes.tree} aria-label={label}>
      <Node name={null} value={value} levels={levels} />
    </section>
  );
}

function Node({ name, value, levels }: { name: string | null; value: unknown; levels: number }) {
  const [opened, setOpened] = useState(levels > 0);
  const [shown, setShown] = useState(pageSize);
  const members = membersOf(value);
  const title = name !== null && <span className={classes.name}>{name}: </span>;
  if (members === null) {
    return (
      <div className={classes.leaf}>
        {title}
        <Leaf value={value} name={name ?? "value"} />
      </div>
    );
  }
  return (
    <div>
      <button type="button" className={classes.toggle} aria-expanded={opened} onClick={() => setOpened(!opened)}>
        <IconChevronRight size={14} aria-hidden className={classes.arrow} />
        {title}
        <span className={classes.summary}>
          {Array.isArray(value)
            ? t("{count, plural, =0 {empty list} one {list of #} other {list of #}}", { count: members.length })
            : t("{count, plural, =0 {empty object} one {# field} other {# fields}}", { count: members.length })}
        </span>
      </button>
      {opened && (
        <div className={classes.members}>
          {members.slice(0, shown).map(([key, member]) => (
            <Node key={key} name={key} value={member} levels={levels - 1} />
          ))}
          {members.length > shown && (
            <button type="button" className={classes.more} onClick={() => setShown(shown + pageSize)}>
              {t("Show more ({count} left)", { count: members.length - shown })}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function Leaf({ value, name }: { value: unknown; name: string }) {
  if (typeof value === "string" && value.length > maxText) {
    return (
      <button type="button" className={classes.more} onClick={() => download(`${name}.txt`, value)}>
        {t("{size} of text, download", { size: bytes(value.length) })}
      </button>
    );
  }
  return (
    <span
      className={classes.value}
      data-type={value === null ? "null" : exactDigits(value) === null ? typeof value : "number"}
    >
      {JSON.stringify(value)}
    </span>
  );
}

function membersOf(value: unknown): [string, unknown][] | null {
  if (exactDigits(value) !== null) return null;
  if (Array.isArray(value)) return value.map((member, index) => [String(index), member]);
  if (typeof value === "object" && value !== null) return Object.entries(value);
  return null;
}
