import { Button, SegmentedControl } from "@mantine/core";
import IconPlus from "@tabler/icons-react/icons/IconPlus";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { Suspense, useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { meQuery } from "@/features/accounts";
import { Diagram, useLiveTables } from "@/features/schema";
import { t } from "@/i18n";
import { AsCode } from "@/ui/AsCode";
import { LoadingRows, Page } from "@/ui/Page";
import { SearchInput } from "@/ui/SearchInput";
import { TableList } from "./TableList";

const route = getRouteApi("/$org/$app/tables");

/** Shows the tables of an app: as a list, part by part, or as a diagram. */
export function TablesPage() {
  const { app } = route.useParams();
  const { as, around } = route.useSearch();
  const org = useOrganization();
  const navigate = useNavigate();
  const role = useQuery(meQuery(useApi())).data?.role;
  useLiveTables(app);
  const [search, setSearch] = useState("");
  const show = (next: { as?: "diagram"; around?: string }) =>
    navigate({ to: "/$org/$app/tables", params: { org, app }, search: next });
  return (
    <Page
      title={t("Tables")}
      help="/help/tables"
      asCode={<AsCode reads={`/api/apps/${app}/tables/`} />}
      actions={
        (role === "owner" || role === "builder") && (
          <Button
            leftSection={<IconPlus size={16} aria-hidden />}
            renderRoot={(props) => <Link to="/$org/$app/tables/new-table" params={{ org, app }} {...props} />}
          >
            {t("New table")}
          </Button>
        )
      }
      toolbar={
        <>
          <SearchInput label={t("Search tables")} value={search} onSearch={setSearch} />
          <SegmentedControl
            size="xs"
            aria-label={t("Show as")}
            data={[
              { value: "list", label: t("List") },
              { value: "diagram", label: t("Diagram") },
            ]}
            value={as ?? "list"}
            onChange={(value) => void show(value === "diagram" ? { as: "diagram" } : {})}
          />
        </>
      }
    >
      {as === "diagram" ? (
        <Suspense fallback={<LoadingRows count={10} />}>
          <Diagram
            app={app}
            search={search}
            chosen={around ?? null}
            onChoose={(table) => void show({ as: "diagram", ...(table === null ? {} : { around: table }) })}
          />
        </Suspense>
      ) : (
        <TableList app={app} search={search} onClearSearch={() => setSearch("")} />
      )}
    </Page>
  );
}
