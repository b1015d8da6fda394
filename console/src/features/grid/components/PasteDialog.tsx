import { Button, Group, Modal, Table, Text } from "@mantine/core";
import { t } from "@/i18n";
import { number } from "@/ui/time";
import { describePlan, type PastePlan } from "../model/paste";

const maxShown = 50;

/** Says what pasting would do, before anything is written. */
export function PasteDialog({
  plan,
  onPaste,
  onCancel,
}: {
  plan: PastePlan;
  onPaste: () => void;
  onCancel: () => void;
}) {
  const isNothing = plan.changes.length === 0 && plan.added.length === 0;
  return (
    <Modal opened onClose={onCancel} title={t("Paste")} size="lg">
      <Text mb="sm">{describePlan(plan)}</Text>
      {plan.bad.length > 0 && (
        <>
          <Text size="sm" c="dimmed" mb="xs">
            {t("Bad cells are left as they are; the others can be pasted.")}
          </Text>
          <Table.ScrollContainer minWidth={400} maxHeight={240} mb="sm">
            <Table>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t("Row")}</Table.Th>
                  <Table.Th>{t("Column")}</Table.Th>
                  <Table.Th>{t("Text")}</Table.Th>
                  <Table.Th>{t("Reason")}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {plan.bad.slice(0, maxShown).map((bad) => (
                  <Table.Tr key={`${bad.row} ${bad.column}`}>
                    <Table.Td>{number(bad.row + 1)}</Table.Td>
                    <Table.Td>{bad.column}</Table.Td>
                    <Table.Td>
                      <bdi>{bad.text.slice(0, 80)}</bdi>
                    </Table.Td>
                    <Table.Td>{bad.reason}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
          {plan.bad.length > maxShown && (
            <Text size="sm" c="dimmed" mb="sm">
              {t("and {count} more", { count: number(plan.bad.length - maxShown) })}
            </Text>
          )}
        </>
      )}
      <Group justify="flex-end">
        <Button variant="default" onClick={onCancel}>
          {t("Cancel")}
        </Button>
        <Button onClick={onPaste} disabled={isNothing} data-autofocus>
          {t("Paste")}
        </Button>
      </Group>
    </Modal>
  );
}
