import { Button, NativeSelect, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { messageOf } from "@/api/errors";
import { t } from "@/i18n";
import { AsCode } from "@/ui/AsCode";
import { createExport, type Export, followExport, saveFile, type TableRead } from "../api";
import { readableColumns } from "../model/rights";
import type { ShownRows } from "../model/shown-rows";
import { exportSnippets } from "../model/snippets";
import classes from "./Imports.module.css";

type Props = { app: string; table: string; shown: ShownRows; target: TableRead | undefined };

/** Exports the table, or what its grid shows of it, and gives the person the file. */
export function ExportPanel({ app, table, shown: asked, target }: Props) {
  const api = useApi();
  const organization = useOrganization();
  const shown = useMemo(() => readablePart(asked, target), [asked, target]);
  const isLimited = target?.limits?.is_limited ?? false;
  const [format, setFormat] = useState<"csv" | "xlsx">("csv");
  const [rows, setRows] = useState(0);
  const leaving = useRef<AbortController | null>(null);
  useEffect(() => () => leaving.current?.abort(), []);
  const [isWhole, setWhole] = useState(Object.keys(shown).length === 0);
  const rowsOf = { app, table, format, ...(isWhole ? {} : shown) };
  const exporting = useMutation({
    mutationFn: async () => {
      leaving.current = new AbortController();
      let job: Export = await createExport(api, rowsOf);
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
      {Object.keys(shown).length > 0 && (
        <NativeSelect
          aria-label={t("What is exported")}
          size="xs"
          data={[
            { value: "shown", label: t("As the grid shows it: its filter, order and columns") },
            {
              value: "whole",
              label: isLimited ? t("All rows and columns that you may read") : t("All rows and columns"),
            },
          ]}
          value={isWhole ? "whole" : "shown"}
          onChange={(event) => setWhole(event.currentTarget.value === "whole")}
        />
      )}
      <Button variant="default" size="xs" loading={exporting.isPending} onClick={() => exporting.mutate()}>
        {isWhole || shown.where === undefined ? t("Export all rows") : t("Export the filtered rows")}
      </Button>
      <AsCode
        title={t("Export with a program")}
        size="xs"
        snippets={() => exportSnippets({ origin: window.location.origin, organization, ...rowsOf })}
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

/** Returns what is shown without columns that may not be read: an old link may name them. */
function readablePart(shown: ShownRows, target: TableRead | undefined): ShownRows {
  if (target === undefined || shown.columns === undefined) return shown;
  const readable = readableColumns(target);
  const { columns: asked = [], ...rest } = shown;
  const kept = asked.filter((column) => readable.includes(column));
  return kept.length === 0 ? rest : { ...rest, columns: kept };
}
