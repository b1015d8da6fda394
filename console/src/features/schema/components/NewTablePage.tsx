import { Anchor, Group, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useApi, useOrganization } from "@/api/context";
import { isRecord } from "@/api/graphql";
import { useDraft } from "@/api/use-draft";
import { meQuery } from "@/features/accounts";
import { tablesQuery } from "@/features/tables";
import { t } from "@/i18n";
import { DraftNotice } from "@/ui/DraftNotice";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows, Page } from "@/ui/Page";
import { createTable, type NewTable } from "../api";
import { countChanges, editOf, noTable, nothing, type Staged } from "../model/staged";
import { SchemaEditor } from "./SchemaEditor";

const route = getRouteApi("/$org/$app/tables/new-table");

/** Makes a table: the same editor, on a table that is not there yet. */
export function NewTablePage() {
  const { app } = route.useParams();
  const api = useApi();
  const org = useOrganization();
  const tables = useQuery(tablesQuery(api, app));
  const me = useQuery(meQuery(api));
  return (
    <Page
      title={t("New table")}
      breadcrumb={
        <Anchor renderRoot={(props) => <Link to="/$org/$app/tables" params={{ org, app }} {...props} />}>
          {t("Tables")}
        </Anchor>
      }
      help="/help/tables#the-schema-in-the-console"
      asCode={null}
    >
      {(tables.isPending || me.isPending) && <LoadingRows count={6} />}
      {tables.error && <ErrorPanel error={tables.error} onRetry={() => tables.refetch()} />}
      {tables.data && me.data && (
        <NewTableEditor app={app} user={me.data.user.id} id={tables.data.id} tables={tables.data.tables} />
      )}
    </Page>
  );
}

type Props = { app: string; user: number; id: number; tables: React.ComponentProps<typeof SchemaEditor>["tables"] };

function NewTableEditor({ app, user, id, tables }: Props) {
  const api = useApi();
  const org = useOrganization();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const draft = useDraft(user, `schema/${id}/new`, (stored) => (isRecord(stored) ? { ...nothing, ...stored } : null));
  const staged = draft.kept ?? nothing;
  const stage = (next: Staged) => draft.keep(countChanges(next) === 0 ? null : next);
  const name = staged.name ?? "";
  const creating = useMutation({
    mutationFn: () => createTable(api, app, bodyOf(staged, name)),
    onSuccess: async (table) => {
      draft.keep(null);
      await cache.invalidateQueries({ queryKey: ["tables", app] });
      await navigate({ to: "/$org/$app/tables/$table", params: { org, app, table: table.name } });
    },
  });
  return (
    <SchemaEditor
      app={app}
      base={null}
      tables={tables}
      staged={staged}
      onStage={(next) => {
        creating.reset();
        stage(next);
      }}
      onApply={() => creating.mutate()}
      onDiscard={() => {
        creating.reset();
        stage(nothing);
      }}
      applying={creating}
      hindrance={name === "" ? t("Give the table a name.") : null}
    >
      <DraftNotice resumedAt={draft.resumedAt} onDiscard={() => draft.keep(null)} />
      <Group gap="md" align="flex-start" grow>
        <TextInput
          label={t("Name of the table")}
          description={t("Letters, digits and underscores, such as orders.")}
          value={name}
          maxLength={48}
          autoFocus
          spellCheck={false}
          onChange={({ currentTarget: { value } }) => stage({ ...staged, name: value === "" ? null : value })}
        />
        <Textarea
          label={t("Description")}
          description={t("What its rows are.")}
          autosize
          minRows={1}
          maxRows={4}
          maxLength={2000}
          value={staged.description ?? ""}
          onChange={({ currentTarget: { value } }) => stage({ ...staged, description: value === "" ? null : value })}
        />
      </Group>
    </SchemaEditor>
  );
}

function bodyOf(staged: Staged, name: string): NewTable {
  const { columns = [], unique, foreign_keys = [], indexes } = editOf(noTable, staged);
  return {
    name,
    description: staged.description ?? "",
    columns,
    unique: unique ?? [],
    foreign_keys,
    indexes: indexes ?? [],
  };
}
