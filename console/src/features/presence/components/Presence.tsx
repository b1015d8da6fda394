import { Tooltip } from "@mantine/core";
import { useEffect, useState } from "react";
import { useOrganization } from "@/api/context";
import { viewedIn } from "@/api/viewing";
import { t } from "@/i18n";
import { attend, type Person } from "../api";
import type { CellPresence } from "../model/cells";
import { initialsOf } from "../model/names";
import classes from "./Presence.module.css";

const maxInitials = 3;

type Props = {
  app: string | number;
  /** What is open: `table/<name>`, `schema/<name>` or `source/<path>`. */
  document: string;
  /** Where the grid of a table says which cell is edited, and reads which ones others edit. */
  cells?: CellPresence;
};

/** Says by name who else has this document open now, and lets them see that one is here. */
export function Presence({ app, document, cells }: Props) {
  const people = usePeople(app, document, cells);
  const [first] = people;
  return (
    <span role="status" className={classes.status}>
      {first !== undefined && (
        <Tooltip label={people.map(({ name }) => name).join(", ")}>
          <span className={classes.people}>
            {people.slice(0, maxInitials).map(({ id, name }) => (
              <span key={id} className={classes.initials} aria-hidden>
                {initialsOf(name)}
              </span>
            ))}
            <bdi className={classes.names}>
              {people.length === 1
                ? t("{name} here", { name: first.name })
                : t("{name} and {count, plural, one {# other} other {# others}} here", {
                    name: first.name,
                    count: people.length - 1,
                  })}
            </bdi>
          </span>
        </Tooltip>
      )}
    </span>
  );
}

function usePeople(app: string | number, document: string, cells: CellPresence | undefined): readonly Person[] {
  const organization = useOrganization();
  const [people, setPeople] = useState<readonly Person[]>([]);
  useEffect(() => {
    // Who views as somebody else sees what they would see, and is not there as them.
    if (viewedIn(organization) !== null) return;
    const onPeople = (next: readonly Person[]) => {
      setPeople(next);
      cells?.show(next);
    };
    const attendance = attend({ organization, app, document, onPeople });
    if (cells !== undefined) {
      cells.onEdit = attendance.edit;
      attendance.edit(cells.edited);
    }
    return () => {
      attendance.end();
      cells?.show([]);
    };
  }, [organization, app, document, cells]);
  return people;
}
