import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useOrganization } from "@/api/context";
import { t } from "@/i18n";
import type { ShownRows } from "../model/shown-rows";

type Props = {
  app: string;
  table: string;
  shown: ShownRows;
  /** Whether the one who looks may import. */
  canImport: boolean;
};

/** Leads to the imports and exports of a table, with what its grid shows. */
export function ImportsLink({ app, table, shown, canImport }: Props) {
  const org = useOrganization();
  return (
    <Button
      variant="default"
      renderRoot={(props) => (
        <Link to="/$org/$app/tables/$table/imports" params={{ org, app, table }} search={shown} {...props} />
      )}
    >
      {canImport ? t("Import, export") : t("Export")}
    </Button>
  );
}
