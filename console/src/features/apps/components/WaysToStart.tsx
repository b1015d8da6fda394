import { Text } from "@mantine/core";
import IconCode from "@tabler/icons-react/icons/IconCode";
import IconFileSpreadsheet from "@tabler/icons-react/icons/IconFileSpreadsheet";
import IconSquarePlus from "@tabler/icons-react/icons/IconSquarePlus";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { t } from "@/i18n";
import classes from "./HomePage.module.css";

/** The three ways to the first app. */
export function WaysToStart({ org }: { org: string }) {
  return (
    <ul className={classes.ways}>
      <li>
        <Link to="/$org/apps/new" params={{ org }} className={classes.card}>
          <IconSquarePlus aria-hidden />
          <Way title={t("Blank")}>{t("Name an app, then add tables and actions one by one.")}</Way>
        </Link>
      </li>
      <li>
        <Link to="/$org/apps/new" params={{ org }} search={{ from: "file" }} className={classes.card}>
          <IconFileSpreadsheet aria-hidden />
          <Way title={t("From a file")}>{t("Drop a CSV or Excel file: it becomes an app with a table.")}</Way>
        </Link>
      </li>
      <li>
        <a href="/help/local-development" target="_blank" rel="noreferrer" className={classes.card}>
          <IconCode aria-hidden />
          <Way title={t("In your editor")}>
            {t("Write tables and actions as files, and upload them: how it is done.")}
          </Way>
        </a>
      </li>
    </ul>
  );
}

function Way({ title, children }: { title: string; children: ReactNode }) {
  return (
    <>
      <strong>{title}</strong>
      <Text size="sm" c="dimmed" component="span">
        {children}
      </Text>
    </>
  );
}
