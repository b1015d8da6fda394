import { ActionIcon, Button, Group, Pill, Popover, Stack, TextInput } from "@mantine/core";
import IconPlus from "@tabler/icons-react/icons/IconPlus";
import IconX from "@tabler/icons-react/icons/IconX";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useApi } from "@/api/context";
import { t } from "@/i18n";
import { FormError } from "@/ui/FormError";
import { addTag, removeTag, type Tag } from "../api";

/** The tags that the organization gave to a table; each can be taken off, and one more given. */
export function TableTags({ app, table, tags }: { app: string; table: string; tags: readonly Tag[] }) {
  const api = useApi();
  const cache = useQueryClient();
  const [isAdding, setAdding] = useState(false);
  const [name, setName] = useState("");
  const onSuccess = () => cache.invalidateQueries({ queryKey: ["table tags", app] });
  const removing = useMutation({ mutationFn: (tag: number) => removeTag(api, tag), onSuccess });
  const adding = useMutation({
    mutationFn: () => addTag(api, app, table, name.trim()),
    onSuccess: async () => {
      setName("");
      setAdding(false);
      await onSuccess();
    },
  });
  return (
    <Group gap={4}>
      {tags.map((tag) => (
        <Pill key={tag.id} component="span">
          <Group gap={4} wrap="nowrap" component="span">
            <bdi>{tag.name}</bdi>
            <ActionIcon
              size={24}
              variant="transparent"
              color="gray"
              aria-label={t("Take the tag {tag} off {table}", { tag: tag.name, table })}
              onClick={() => removing.mutate(tag.id)}
            >
              <IconX size={12} aria-hidden />
            </ActionIcon>
          </Group>
        </Pill>
      ))}
      <Popover opened={isAdding} onChange={setAdding} trapFocus withinPortal>
        <Popover.Target>
          <ActionIcon
            size={24}
            variant="subtle"
            color="gray"
            aria-label={t("Add a tag to {table}", { table })}
            onClick={() => setAdding(!isAdding)}
          >
            <IconPlus size={14} aria-hidden />
          </ActionIcon>
        </Popover.Target>
        <Popover.Dropdown>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              if (name.trim() !== "") adding.mutate();
            }}
          >
            <Stack gap="xs">
              <TextInput
                label={t("Tag")}
                data-autofocus
                maxLength={100}
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
              />
              <FormError error={adding.error} />
              <Button type="submit" size="xs" loading={adding.isPending}>
                {t("Add")}
              </Button>
            </Stack>
          </form>
        </Popover.Dropdown>
      </Popover>
      <FormError error={removing.error} />
    </Group>
  );
}
