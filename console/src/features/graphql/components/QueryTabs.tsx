import { ActionIcon } from "@mantine/core";
import IconPlus from "@tabler/icons-react/icons/IconPlus";
import { t } from "@/i18n";
import { DocumentTabs } from "@/ui/DocumentTabs";
import { titleOf } from "../model/operations";
import type { Tabs } from "../model/tabs";

/** The open queries. */
export function QueryTabs({ tabs }: { tabs: Tabs }) {
  const documents = (tabs.tabs ?? []).map(({ id, query }, index) => ({
    id,
    title: titleOf(query) ?? t("Query {number}", { number: index + 1 }),
  }));
  return (
    <DocumentTabs
      label={t("Open queries")}
      documents={documents}
      shown={tabs.active?.id ?? null}
      onOpen={tabs.open}
      onClose={tabs.close}
      more={
        <ActionIcon variant="subtle" color="gray" aria-label={t("New query")} onClick={() => tabs.add()}>
          <IconPlus size={16} aria-hidden />
        </ActionIcon>
      }
    />
  );
}
