import { Button, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { messageOf } from "@/api/errors";
import { t } from "@/i18n";
import { download } from "@/ui/download";
import { bytes } from "@/ui/time";
import type { RowsApi } from "../api";
import type { Column } from "../model/columns";

/** Says how large a value is that is not shown, and gives it as a file. */
export function LargeValue({ rows, column, id }: { rows: RowsApi; column: Column; id: string }) {
  const read = useQuery({
    queryKey: ["grid", "value", rows.app, rows.table.graphqlName, id, column.name],
    queryFn: async ({ signal }) => new Blob([await rows.text(id, column, signal)]),
    gcTime: 0,
  });
  const save = async () => {
    if (read.data !== undefined) download(`${column.name}.${column.type === "json" ? "json" : "txt"}`, read.data);
  };
  return (
    <Group gap="xs">
      <Text size="sm" role="status">
        {read.isPending && t("Reading …")}
        {read.error && messageOf(read.error)}
        {read.data && t("{size}, too large to be shown here.", { size: bytes(read.data.size) })}
      </Text>
      <Button size="compact-sm" variant="default" disabled={read.data === undefined} onClick={save} data-autofocus>
        {t("Download")}
      </Button>
    </Group>
  );
}
