import { Button, NativeSelect, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { messageOf } from "@/api/errors";
import { t } from "@/i18n";
import { AsCode } from "@/ui/AsCode";
import { createExport, type Export, followExport, saveFile } from "../api";
import { exportSnippets } from "../model/snippets";
import classes from "./Imports.module.css";

type Props = { app: string; table: string; where: unknown };

/** Exports the table, or the rows that the grid's filter shows, and gives the person the file. */
export function ExportPanel({ app, table, where }: Props) {
  const api = useApi();
  const organization = useOrganization();
  const [format, setFormat] = useState<"csv" | "xlsx">("csv");
  const [rows, setRows] = useState(0);
  const leaving = useRef<AbortController | null>(null);
  useEffect(() => () => leaving.current?.abort(), []);
  const condition = isRecord(where) ? where : {};
  const exporting = useMutation({
    mutationFn: async () => {
      leaving.current = new AbortController();
      let job: Export = await createExport(api, { app, table, format, where: condition });
      setRows(0);
      const follow = (next: Export) => {
        job = next;
        setRows(next.rows);
      };
      await followExport(api, job.id, follow, leaving.current.signal);
      if (job.file !== null) await saveFile(api, job.file, `${table}-${job.id}.${format}`);
      return job;
    },
  });
  return (
    <>
      <NativeSelect
        aria-label={t("Format of the export")}
        size="xs"
        data={[
          { value: "csv", label: t("CSV") },
          { value: "xlsx", label: t("Excel") },
        ]}
        value={format}
        onChange={(event) => setFormat(event.currentTarget.value === "xlsx" ? "xlsx" : "csv")}
      />
      <Button variant="default" size="xs" loading={exporting.isPending} onClick={() => exporting.mutate()}>
        {Object.keys(condition).length > 0 ? t("Export the filtered rows") : t("Export all rows")}
      </Button>
      <AsCode
        title={t("Export with a program")}
        size="xs"
        snippets={() =>
          exportSnippets({ origin: window.location.origin, organization, app, table, format, where: condition })
        }
      />
      <Text size="sm" role="status">
        {exporting.isPending && t("{rows, plural, one {# row} other {# rows}} written", { rows })}
        {exporting.data?.status === "completed" &&
          t("{rows, plural, one {# row} other {# rows}} exported", { rows: exporting.data.rows })}
      </Text>
      {(exporting.error !== null || exporting.data?.status === "failed") && (
        <Text size="sm" role="alert" className={classes.error}>
          {exporting.error === null ? exporting.data?.error : messageOf(exporting.error)}
        </Text>
      )}
    </>
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
