import { ActionIcon, Badge, Button, Group, Table, Text, Title, VisuallyHidden } from "@mantine/core";
import IconArrowDown from "@tabler/icons-react/icons/IconArrowDown";
import IconArrowUp from "@tabler/icons-react/icons/IconArrowUp";
import IconPencil from "@tabler/icons-react/icons/IconPencil";
import IconPlus from "@tabler/icons-react/icons/IconPlus";
import IconTrash from "@tabler/icons-react/icons/IconTrash";
import { type KeyboardEvent, type ReactNode, useLayoutEffect, useRef } from "react";
import { t } from "@/i18n";
import { EmptyState } from "@/ui/EmptyState";
import { nameOfType } from "../model/columns";
import type { ShownColumn } from "../model/staged";
import classes from "./Schema.module.css";

type Props = {
  columns: readonly ShownColumn[];
  dropped: readonly string[];
  onAdd: () => void;
  onEdit: (key: string) => void;
  onDrop: (key: string) => void;
  onKeep: (name: string) => void;
  onMove: (key: string, by: -1 | 1) => void;
};

/** The builder's columns in their order. `Alt` with the arrows moves the one that has the focus. */
export function ColumnList({ columns, dropped, onAdd, onEdit, onDrop, onKeep, onMove }: Props) {
  const words = { kept: null, added: t("New"), changed: t("Changed") };
  const focused = useRef<Element | null>(null);
  // A row that is moved in the document loses the focus.
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever the order may be another
  useLayoutEffect(() => {
    if (focused.current instanceof HTMLElement && focused.current.isConnected) focused.current.focus();
    focused.current = null;
  }, [columns]);
  const moved = (key: string, by: -1 | 1) => {
    focused.current = document.activeElement;
    onMove(key, by);
  };
  const onKey = (event: KeyboardEvent, key: string) => {
    if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    event.preventDefault();
    moved(key, event.key === "ArrowUp" ? -1 : 1);
  };
  return (
    <section aria-labelledby="columns">
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h4" id="columns">
          {t("Columns")}
        </Title>
        <Button variant="default" leftSection={<IconPlus size={16} aria-hidden />} onClick={onAdd}>
          {t("New column")}
        </Button>
      </Group>
      {columns.length === 0 && dropped.length === 0 ? (
        <EmptyState title={t("No columns of its own yet")}>
          {t("Every table has an id, times and its organization. Add what its rows are about, such as a name.")}
        </EmptyState>
      ) : (
        <Table.ScrollContainer minWidth={420}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("Name")}</Table.Th>
                <Table.Th>{t("Type")}</Table.Th>
                <Table.Th>
                  <VisuallyHidden>{t("Actions")}</VisuallyHidden>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {columns.map(({ key, form, state }, at) => (
                <Table.Tr key={key} className={classes.row} data-state={state} onKeyDown={(event) => onKey(event, key)}>
                  <Table.Td>
                    <Group gap="xs">
                      <bdi className={classes.name}>{form.name}</bdi>
                      {words[state] !== null && (
                        <Badge variant="outline" tt="none">
                          {words[state]}
                        </Badge>
                      )}
                    </Group>
                    {form.name !== key && state === "changed" && (
                      <Text size="sm" c="dimmed">
                        {t("was {name}", { name: key })}
                      </Text>
                    )}
                    <Text size="sm" c="dimmed" lineClamp={1}>
                      {form.description}
                    </Text>
                  </Table.Td>
                  <Table.Td>
                    {nameOfType(form.type)}
                    {form.type === "reference" && `: ${form.target}`}
                    <Text size="sm" c="dimmed">
                      {[
                        form.isRequired && t("required"),
                        form.default !== "" && t("default {value}", { value: form.default.slice(0, 40) }),
                      ]
                        .filter(Boolean)
                        .join(", ")}
                    </Text>
                  </Table.Td>
                  <Table.Td>
                    <Group gap={4} wrap="nowrap" justify="flex-end">
                      <Tool
                        label={t("Move {name} up", { name: form.name })}
                        isOff={at === 0}
                        onClick={() => moved(key, -1)}
                      >
                        <IconArrowUp size={16} aria-hidden />
                      </Tool>
                      <Tool
                        label={t("Move {name} down", { name: form.name })}
                        isOff={at === columns.length - 1}
                        onClick={() => moved(key, 1)}
                      >
                        <IconArrowDown size={16} aria-hidden />
                      </Tool>
                      <Tool label={t("Edit {name}", { name: form.name })} onClick={() => onEdit(key)}>
                        <IconPencil size={16} aria-hidden />
                      </Tool>
                      <Tool label={t("Remove {name}", { name: form.name })} onClick={() => onDrop(key)}>
                        <IconTrash size={16} aria-hidden />
                      </Tool>
                    </Group>
                  </Table.Td>
                </Table.Tr>
              ))}
              {dropped.map((name) => (
                <Table.Tr key={`dropped ${name}`} className={classes.row} data-state="dropped">
                  <Table.Td>
                    <bdi className={classes.name}>{name}</bdi>
                  </Table.Td>
                  <Table.Td>{t("Will be removed, with its values")}</Table.Td>
                  <Table.Td>
                    <Group justify="flex-end">
                      <Button size="compact-sm" variant="default" onClick={() => onKeep(name)}>
                        {t("Keep {name}", { name })}
                      </Button>
                    </Group>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </section>
  );
}

type ToolProps = { label: string; isOff?: boolean; onClick: () => void; children: ReactNode };

function Tool({ label, isOff = false, onClick, children }: ToolProps) {
  return (
    <ActionIcon variant="subtle" color="gray" aria-label={label} title={label} aria-disabled={isOff} onClick={onClick}>
      {children}
    </ActionIcon>
  );
}
