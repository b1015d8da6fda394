import { Button, Group, Modal, Text } from "@mantine/core";
import { t } from "@/i18n";
import { EmptyState } from "@/ui/EmptyState";
import type { Limits } from "../model/columns";

/** Asks before several rows are deleted. */
export function ConfirmDelete(props: { count: number; onDelete: () => void; onCancel: () => void }) {
  return (
    <Modal
      opened
      onClose={props.onCancel}
      title={t("Delete {count, plural, one {# row} other {# rows}}?", { count: props.count })}
    >
      <Text mb="md">
        {t("Rows that refer to them lose the reference, or prevent the deletion. Ctrl-Z brings the rows back.")}
      </Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={props.onCancel}>
          {t("Cancel")}
        </Button>
        <Button color="red" onClick={props.onDelete} data-autofocus>
          {t("Delete")}
        </Button>
      </Group>
    </Modal>
  );
}

type NothingProps = {
  isFiltered: boolean;
  limits: Limits | undefined;
  onClearFilter: () => void;
  onNewRow: () => void;
};

/** Stands where there are no rows: says whether a filter or a limit is why, and what to do. */
export function Nothing({ isFiltered, limits, onClearFilter, onNewRow }: NothingProps) {
  if (!isFiltered && limits !== undefined) {
    return (
      <EmptyState
        title={limits.isByRow ? t("There is no row that you may see") : t("No rows yet")}
        action={limits.canAdd && <TextAction text={t("New row")} onClick={onNewRow} />}
      >
        {limits.isByRow && t("A builder limits which rows your role sees. There may be others.")}
      </EmptyState>
    );
  }
  return isFiltered ? (
    <EmptyState
      title={t("No row matches the filter")}
      action={<TextAction text={t("Clear the filter")} onClick={onClearFilter} />}
    />
  ) : (
    <EmptyState title={t("No rows yet")} action={<TextAction text={t("New row")} onClick={onNewRow} />}>
      {t("Rows are what this table holds. Paste them here from a spreadsheet with Ctrl-V, or write one.")}
    </EmptyState>
  );
}

function TextAction({ text, onClick }: { text: string; onClick: () => void }) {
  return (
    <Button variant="default" onClick={onClick}>
      {text}
    </Button>
  );
}
