import { Anchor, List, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { t } from "@/i18n";
import type { Use } from "../api";

type Place = { org: string; app: string; table: string };

/** Names what uses that which is dropped or renamed, each with the way to it. */
export function UseList({ uses, title, place }: { uses: readonly Use[]; title: string; place: Place }) {
  if (uses.length === 0) return null;
  return (
    <div>
      <Text size="sm" fw={600} id="uses">
        {title}
      </Text>
      <List size="sm" aria-labelledby="uses">
        {uses.map((use) => (
          <List.Item key={`${use.kind} ${use.column} ${use.name} ${use.line} ${use.id}`}>
            <UseItem use={use} place={place} />
            {use.column !== null && !isOfTable(use) && (
              <Text span size="sm" c="dimmed">
                {" "}
                {t("uses {column}", { column: use.column })}
              </Text>
            )}
          </List.Item>
        ))}
      </List>
    </div>
  );
}

function UseItem({ use, place }: { use: Use; place: Place }) {
  const { org, app, table } = place;
  const name = use.name;
  if (use.kind === "source") {
    return (
      <Anchor
        renderRoot={(props) => (
          <Link
            to="/$org/$app/code/$"
            params={{ org, app, _splat: name }}
            search={use.line === null ? {} : { line: use.line }}
            {...props}
          />
        )}
      >
        {t("{file}, line {line}", { file: name, line: use.line ?? 1 })}
      </Anchor>
    );
  }
  if (use.kind === "view" && use.id !== null) {
    const view = use.id;
    return (
      <Anchor
        renderRoot={(props) => <Link to="/$org/$app/tables/$table" params={place} search={{ view }} {...props} />}
      >
        {t("view “{name}”", { name })}
      </Anchor>
    );
  }
  if (use.kind === "reference" && name.includes(".")) {
    const [other = table] = name.split(".");
    return (
      <Anchor
        renderRoot={(props) => (
          <Link to="/$org/$app/tables/$table/schema" params={{ org, app, table: other }} {...props} />
        )}
      >
        {t("reference {name}", { name })}
      </Anchor>
    );
  }
  if (use.kind === "permission") {
    return (
      <Anchor renderRoot={(props) => <Link to="/$org/$app/tables/$table/permissions" params={place} {...props} />}>
        {t("permission {name}", { name })}
      </Anchor>
    );
  }
  if (use.kind === "schedule" || use.kind === "action") {
    const action = use.kind === "action" ? name : (use.parent ?? "");
    const search = use.kind === "action" || use.id === null ? {} : { tab: "triggers" as const, schedule: use.id };
    return (
      <Anchor
        renderRoot={(props) => (
          <Link to="/$org/$app/actions/$action" params={{ org, app, action }} search={search} {...props} />
        )}
      >
        {use.kind === "action" ? t("action {name}", { name }) : t("schedule “{name}” of {action}", { name, action })}
      </Anchor>
    );
  }
  return wordsOf(use);
}

function isOfTable(use: Use): boolean {
  return use.kind === "unique" || use.kind === "index" || use.kind === "reference";
}

function wordsOf({ kind, name }: Use): string {
  const count = { count: Number(name) };
  if (kind === "others_views") return t("{count, plural, one {# view} other {# views}} of others", count);
  if (kind === "others_syncs") return t("{count, plural, one {# sync} other {# syncs}} of other organizations", count);
  if (kind === "unique") return t("unique key {name}", { name });
  if (kind === "index") return t("index {name}", { name });
  if (kind === "sync") return t("sync {name}", { name });
  if (kind === "draft") return t("your draft of {name}", { name });
  if (kind === "view") return t("view “{name}”", { name });
  return t("reference {name}", { name });
}
