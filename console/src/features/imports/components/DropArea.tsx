import { Button, Text } from "@mantine/core";
import IconFileSpreadsheet from "@tabler/icons-react/icons/IconFileSpreadsheet";
import { useRef, useState } from "react";
import { t } from "@/i18n";
import { bytes } from "@/ui/time";
import type { ChosenFile } from "../api";
import classes from "./Imports.module.css";

let lastId = 0;

/** Takes one file, dropped or chosen; shows which, once there is one. */
export function DropArea({ chosen, onChoose }: { chosen: ChosenFile | null; onChoose: (file: ChosenFile) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const take = (file: File | undefined) => {
    if (file === undefined) return;
    lastId += 1;
    onChoose({ id: lastId, file });
  };
  const picker = (
    <input
      ref={input}
      type="file"
      accept=".csv,.tsv,.txt,.xlsx"
      aria-label={t("CSV or Excel file")}
      hidden
      onChange={(event) => {
        take(event.currentTarget.files?.[0]);
        // So that the same file can be chosen again after it was changed.
        event.currentTarget.value = "";
      }}
    />
  );
  if (chosen !== null) {
    return (
      <div className={classes.file}>
        {picker}
        <IconFileSpreadsheet size={20} aria-hidden />
        <bdi>{chosen.file.name}</bdi>
        <Text size="sm" c="dimmed" component="span">
          {bytes(chosen.file.size)}
        </Text>
        <Button variant="default" size="compact-sm" onClick={() => input.current?.click()}>
          {t("Choose another file")}
        </Button>
      </div>
    );
  }
  return (
    <section
      aria-label={t("Place for a file")}
      className={classes.drop}
      data-over={isOver || undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer.files[0]);
      }}
    >
      {picker}
      <IconFileSpreadsheet size={32} aria-hidden />
      <Text>{t("Drop a CSV or Excel file (.xlsx) here")}</Text>
      <Button onClick={() => input.current?.click()}>{t("Choose a file")}</Button>
      <Text size="sm" c="dimmed">
        {t("The first line names the columns. Nothing is stored before you say so.")}
      </Text>
    </section>
  );
}
