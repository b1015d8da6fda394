import { ActionIcon, Badge, Button, Checkbox, Group, Stack, Table, Text, Title } from "@mantine/core";
import IconPlus from "@tabler/icons-react/icons/IconPlus";
import IconTrash from "@tabler/icons-react/icons/IconTrash";
import { type KeyboardEvent, useId, useState } from "react";
import { t } from "@/i18n";
import classes from "./Schema.module.css";

export type ShownKey = { id: string; columns: readonly string[]; note: string; isNew: boolean };

type Props = {
  title: string;
  explanation: string;
  /** What one of them is called on buttons, such as "unique key". */
  noun: string;
  keys: readonly ShownKey[];
  /** Keys of columns and their names. */
  columns: readonly { key: string; name: string }[];
  onAdd: (columns: string[]) => void;
  onDrop: (id: string) => void;
};

/** Unique keys or indexes, and a form that adds one. */
export function KeyList({ title, explanation, noun, keys, columns, onAdd, onDrop }: Props) {
  const [isAdding, setAdding] = useState(false);
  const heading = useId();
  return (
    <section aria-labelledby={heading}>
      <Group justify="space-between" mb="xs">
        <div>
          <Title order={2} size="h4" id={heading}>
            {title}
          </Title>
          <Text size="sm" c="dimmed">
            {explanation}
          </Text>
        </div>
        {!isAdding && (
          <Button
            variant="default"
            leftSection={<IconPlus size={16} aria-hidden />}
            disabled={columns.length === 0}
            onClick={() => setAdding(true)}
          >
            {t("New {noun}", { noun })}
          </Button>
        )}
      </Group>
      {isAdding && (
        <NewKey
          label={t("New {noun}", { noun })}
          columns={columns}
          onDone={(chosen) => {
            onAdd(chosen);
            setAdding(false);
          }}
          onCancel={() => setAdding(false)}
        />
      )}
      {keys.length > 0 && (
        <Table>
          <Table.Tbody>
            {keys.map(({ id, columns: parts, note, isNew }) => (
              <Table.Tr key={id} className={classes.row} data-state={isNew ? "added" : "kept"}>
                <Table.Td>
                  <Group gap="xs">
                    <bdi className={classes.name}>{parts.join(", ")}</bdi>
                    {isNew && (
                      <Badge variant="outline" tt="none">
                        {t("New")}
                      </Badge>
                    )}
                  </Group>
                  <Text size="sm" c="dimmed" className={classes.code}>
                    {note}
                  </Text>
                </Table.Td>
                <Table.Td>
                  <Group justify="flex-end">
                    <ActionIcon
                      variant="subtle"
                      color="gray"
                      aria-label={t("Remove {noun} {columns}", { noun, columns: parts.join(", ") })}
                      onClick={() => onDrop(id)}
                    >
                      <IconTrash size={16} aria-hidden />
                    </ActionIcon>
                  </Group>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </section>
  );
}

type NewKeyProps = {
  label: string;
  columns: Props["columns"];
  onDone: (columns: string[]) => void;
  onCancel: () => void;
};

/** Chooses columns; their order is that in which they are chosen. */
function NewKey({ label, columns, onDone, onCancel }: NewKeyProps) {
  const [chosen, setChosen] = useState<string[]>([]);
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Escape") onCancel();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      if (chosen.length > 0) onDone(chosen);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <form
      aria-label={label}
      onKeyDown={onKey}
      onSubmit={(event) => {
        event.preventDefault();
        if (chosen.length > 0) onDone(chosen);
      }}
    >
      <Stack gap="xs" mb="sm">
        <div className={classes.choices}>
          {columns.map(({ key, name }) => (
            <Checkbox
              key={key}
              label={name}
              checked={chosen.includes(key)}
              onChange={(event) =>
                setChosen(event.currentTarget.checked ? [...chosen, key] : chosen.filter((item) => item !== key))
              }
            />
          ))}
        </div>
        <Group gap="xs">
          <Button type="submit" disabled={chosen.length === 0}>
            {t("Add to the plan")}
          </Button>
          <Button variant="default" onClick={onCancel}>
            {t("Cancel")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
