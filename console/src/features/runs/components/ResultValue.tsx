import { Button, Group, SegmentedControl } from "@mantine/core";
import { Suspense, useState } from "react";
import { t } from "@/i18n";
import { download } from "@/ui/download";
import { JsonTree } from "@/ui/JsonTree";
import { lazyPart } from "@/ui/lazyPart";
import { LoadingRows } from "@/ui/Page";
import { choicesOf } from "../model/chart";
import { returnedBy, rowsOf } from "../model/results";
import { ResultTable } from "./ResultTable";

const ResultChart = lazyPart(async () => (await import("./ResultChart")).ResultChart);

type Look = "table" | "chart" | "tree";
const names: Record<Look, () => string> = { table: () => t("Table"), chart: () => t("Chart"), tree: () => t("Tree") };

/** Shows what a run returned: as a table and a chart where it can be one, else as a tree; or to download. */
export function ResultValue({ result, name }: { result: unknown; name: string }) {
  const [chosen, setChosen] = useState<Look | null>(null);
  const value = returnedBy(result);
  const rows = rowsOf(value);
  const choices = rows === null ? null : choicesOf(rows);
  const looks = (["table", "chart", "tree"] as const).filter(
    (look) => look === "tree" || (look === "table" ? rows !== null : choices !== null),
  );
  const look = looks.find((possible) => possible === chosen) ?? looks[0] ?? "tree";
  return (
    <>
      <Group gap="xs">
        {looks.length > 1 && (
          <SegmentedControl
            size="xs"
            aria-label={t("How the result is shown")}
            value={look}
            onChange={(picked) => setChosen(looks.find((possible) => possible === picked) ?? null)}
            data={looks.map((possible) => ({ value: possible, label: names[possible]() }))}
          />
        )}
        <Button
          size="compact-sm"
          variant="default"
          onClick={() => download(`${name}.json`, JSON.stringify(value, null, 2))}
        >
          {t("Download")}
        </Button>
      </Group>
      {look === "table" && rows !== null && <ResultTable rows={rows} />}
      {look === "chart" && rows !== null && choices !== null && (
        <Suspense fallback={<LoadingRows count={5} />}>
          <ResultChart key={rows.columns.join("\n")} rows={rows} choices={choices} />
        </Suspense>
      )}
      {look === "tree" && <JsonTree value={value} label={t("Result")} />}
    </>
  );
}
