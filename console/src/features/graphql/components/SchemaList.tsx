import { Button, Text } from "@mantine/core";
import IconRefresh from "@tabler/icons-react/icons/IconRefresh";
import type { GraphQLSchema } from "graphql";
import { useDeferredValue, useMemo, useState } from "react";
import { t } from "@/i18n";
import { SearchInput } from "@/ui/SearchInput";
import { searchSchema } from "../model/search";
import classes from "./ApiPage.module.css";

/** What can be asked for: the roots' fields, and with a search every type and field. */
export function SchemaList({ schema, onReload }: { schema: GraphQLSchema; onReload: () => void }) {
  const [search, setSearch] = useState("");
  const deferred = useDeferredValue(search);
  const found = useMemo(() => searchSchema(schema, deferred), [schema, deferred]);
  return (
    <>
      <div className={classes.bar}>
        <SearchInput label={t("Search types and fields")} value={search} onSearch={setSearch} />
        <Button variant="default" leftSection={<IconRefresh size={16} aria-hidden />} onClick={onReload}>
          {t("Read it anew")}
        </Button>
      </div>
      {found.length === 0 && <Text c="dimmed">{t("Nothing is named “{search}” here.", { search })}</Text>}
      <ul className={classes.items} aria-label={t("Types and fields")}>
        {found.map(({ id, name, of, type, description }) => (
          <li key={id}>
            <code>
              {of !== "" && <span className={classes.muted}>{of}.</span>}
              <strong>{name}</strong> <span className={classes.muted}>{type}</span>
            </code>
            {description !== "" && (
              <Text size="sm" c="dimmed">
                {description}
              </Text>
            )}
          </li>
        ))}
      </ul>
      {found.length === 100 && <Text c="dimmed">{t("There is more: search for a part of its name.")}</Text>}
    </>
  );
}
