import { useOrganization } from "@/api/context";
import type { Limits, Table } from "@/features/grid";
import { WhyNotSeen } from "@/features/permissions";
import { TableTabs } from "@/features/schema";
import { locale, t } from "@/i18n";
import { EmptyState } from "@/ui/EmptyState";
import { Page } from "@/ui/Page";
import classes from "./TablePage.module.css";

type Props = { app: string; table: Table };

/** Says what of a table is kept from the one who looks, and lets a builder who views as them ask why. */
export function LimitsNote({ app, table }: Props) {
  if (table.limits === undefined) return null;
  const sentences = sentencesOf(table.limits);
  return (
    <>
      {sentences.length > 0 && (
        <p className={classes.limits} role="note">
          {sentences.join(" ")}
        </p>
      )}
      <WhyNotSeen app={app} table={table.name} />
    </>
  );
}

function sentencesOf({ canAdd, canChange, canDelete, isByRow, hidden }: Limits): string[] {
  const denied = [canAdd ? null : t("add"), canChange ? null : t("change"), canDelete ? null : t("delete")];
  const words = new Intl.ListFormat(locale, { type: "disjunction" });
  const verbs = words.format(denied.filter((verb) => verb !== null));
  return [
    hidden > 0 && t("{count, plural, one {# column is} other {# columns are}} hidden from you.", { count: hidden }),
    isByRow && t("You see the rows that your role may read."),
    verbs !== "" && t("Your role may not {verbs} rows.", { verbs }),
  ].filter((sentence) => sentence !== false);
}

/** Stands in place of the rows of a table that may not be read. */
export function NotReadable({ app, table }: Props) {
  const org = useOrganization();
  return (
    <Page
      help="/help/permissions"
      asCode={null}
      title={table.name}
      tabs={<TableTabs org={org} app={app} table={table.name} />}
      toolbar={<WhyNotSeen app={app} table={table.name} />}
    >
      <EmptyState title={t("Your role may not read this table")}>
        {t("Owners and builders see its rows. A builder can open it to members, under Permissions.")}
      </EmptyState>
    </Page>
  );
}
