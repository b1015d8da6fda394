import { Button } from "@mantine/core";
import { t } from "@/i18n";

type List = { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };

/** Reads the next part of a list; nothing where the list is complete. */
export function MoreButton({ list }: { list: List }) {
  if (!list.hasNextPage) return null;
  return (
    <div>
      <Button variant="default" loading={list.isFetchingNextPage} onClick={() => list.fetchNextPage()}>
        {t("Show more")}
      </Button>
    </div>
  );
}
