import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useOrganization } from "@/api/context";
import { t } from "@/i18n";

/** Leads to the imports and exports of a table, with the filter of its grid. */
export function ImportsLink({ app, table, where }: { app: string; table: string; where: unknown }) {
  const org = useOrganization();
  return (
    <Button
      variant="default"
      renderRoot={(props) => (
        <Link
          to="/$org/$app/tables/$table/imports"
          params={{ org, app, table }}
          search={where === undefined ? {} : { where }}
          {...props}
        />
      )}
    >
      {t("Import, export")}
    </Button>
  );
}
