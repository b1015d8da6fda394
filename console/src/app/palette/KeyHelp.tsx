import { Modal, Switch, Table, Title } from "@mantine/core";
import { useAllCommands, useSingleKeys } from "@/commands/registry";
import { t } from "@/i18n";
import { Keys } from "@/ui/Keys";

/** Lists the keys of what can be done on this screen, from the same commands as the palette. */
export function KeyHelp({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const commands = useAllCommands().filter(({ keys }) => keys !== undefined);
  const groups = [...new Set(commands.map(({ group }) => group))];
  const [isOn, setOn] = useSingleKeys();
  return (
    <Modal opened={isOpen} onClose={onClose} title={t("Keys of this screen")} size="md">
      {groups.map((group) => (
        <section key={group}>
          <Title order={3} size="h6" mt="sm">
            {group}
          </Title>
          <Table aria-label={group}>
            <Table.Tbody>
              {commands
                .filter((command) => command.group === group)
                .map(({ id, title, keys }) => (
                  <Table.Tr key={id}>
                    <Table.Td>{title}</Table.Td>
                    <Table.Td ta="end">
                      <Keys keys={keys ?? ""} />
                    </Table.Td>
                  </Table.Tr>
                ))}
            </Table.Tbody>
          </Table>
        </section>
      ))}
      <Switch
        mt="md"
        label={t("Keys without Ctrl or Alt")}
        description={t("Off: only keys with a modifier do something.")}
        checked={isOn}
        onChange={(event) => setOn(event.currentTarget.checked)}
      />
    </Modal>
  );
}
