import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import type { TableRead } from "@/features/tables";
import { t } from "@/i18n";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { FormError } from "@/ui/FormError";
import { number } from "@/ui/time";
import { deleteTable, planQuery, usesQuery } from "../api";
import { UseList } from "./UseList";

/** Deletes a table after its name has been typed: its rows cannot be had back. */
export function DeleteTable({ app, table, onClose }: { app: string; table: TableRead; onClose: () => void }) {
  const api = useApi();
  const org = useOrganization();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const [typed, setTyped] = useState("");
  const size = useQuery(planQuery(api, app, table.name, {})).data;
  const uses = useQuery(usesQuery(api, app, table.name));
  const deleting = useMutation({
    mutationFn: () => deleteTable(api, app, table.name),
    onSuccess: async () => {
      await navigate({ to: "/$org/$app/tables", params: { org, app } });
      await cache.invalidateQueries({ queryKey: ["tables", app] });
    },
  });
  return (
    <Modal opened onClose={onClose} title={t("Delete {name}?", { name: table.name })}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (typed === table.name) deleting.mutate();
        }}
      >
        <Stack gap="sm">
          <Text>
            {size === undefined
              ? t("The table goes with all of its rows, of every organization that uses the app.")
              : t("The table goes with its {rows} rows, of every organization that uses the app.", {
                  rows: number(size.rows),
                })}{" "}
            {t("This cannot be undone.")}
          </Text>
          <UseList
            uses={uses.data ?? []}
            title={t("Uses this table, and would miss it")}
            place={{ org, app, table: table.name }}
          />
          {uses.error && <ErrorPanel error={uses.error} onRetry={() => uses.refetch()} />}
          <TextInput
            label={t("Type {name} to delete it", { name: table.name })}
            value={typed}
            spellCheck={false}
            data-autofocus
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          <FormError error={deleting.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {t("Cancel")}
            </Button>
            <Button type="submit" color="red.9" loading={deleting.isPending} disabled={typed !== table.name}>
              {t("Delete table")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
