import { ActionIcon, CloseButton } from "@mantine/core";
import IconPlus from "@tabler/icons-react/icons/IconPlus";
import { t } from "@/i18n";
import { titleOf } from "../model/operations";
import type { Tabs } from "../model/tabs";
import classes from "./ApiPage.module.css";

/** The open queries. */
export function QueryTabs({ tabs }: { tabs: Tabs }) {
  return (
    <ul className={classes.tabs} aria-label={t("Open queries")}>
      {tabs.tabs?.map((tab, index) => {
        const title = titleOf(tab.query) ?? t("Query {number}", { number: index + 1 });
        const isOpen = tab.id === tabs.active?.id;
        return (
          <li key={tab.id} className={classes.tab} data-open={isOpen || undefined}>
            <button
              type="button"
              className={classes.name}
              aria-current={isOpen ? "true" : undefined}
              onClick={() => tabs.open(tab.id)}
            >
              <bdi>{title}</bdi>
            </button>
            <CloseButton
              size={24}
              iconSize={12}
              aria-label={t("Close {title}", { title })}
              onClick={() => tabs.close(tab.id)}
            />
          </li>
        );
      })}
      <li className={classes.tab}>
        <ActionIcon variant="subtle" color="gray" aria-label={t("New query")} onClick={() => tabs.add()}>
          <IconPlus size={16} aria-hidden />
        </ActionIcon>
      </li>
    </ul>
  );
}
