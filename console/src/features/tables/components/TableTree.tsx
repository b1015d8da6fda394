import { TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { t } from "@/i18n";
import { MoreButton } from "@/ui/MoreButton";
import { tableListQuery } from "../api";
import classes from "./TableTree.module.css";

/** The tables of an app in the navigation: the first ones, and those whose name contains what is typed. */
export function TableTree({ app }: { app: string }) {
  const org = useOrganization();
  const [text, setText] = useState("");
  const [search] = useDebouncedValue(text.trim(), 200);
  const tables = useInfiniteQuery({ ...tableListQuery(useApi(), app, search), placeholderData: keepPreviousData });
  const found = tables.data?.pages.flatMap((page) => page.tables) ?? [];
  // Few are seen at a glance.
  const isSearched = text !== "" || found.length > 8;
  return (
    <div className={classes.tree}>
      {isSearched && (
        <TextInput
          size="xs"
          aria-label={t("Find a table")}
          placeholder={t("Find a table")}
          maxLength={100}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
      )}
      <ul aria-label={t("Tables of the app")} className={classes.tables}>
        {found.map((table) => (
          <li key={table.id}>
            <Link to="/$org/$app/tables/$table" params={{ org, app, table: table.name }}>
              <bdi>{table.name}</bdi>
            </Link>
          </li>
        ))}
      </ul>
      <MoreButton list={tables} />
    </div>
  );
}
