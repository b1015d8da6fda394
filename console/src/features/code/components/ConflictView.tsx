import { Button, Group, SegmentedControl, Text } from "@mantine/core";
import { useState } from "react";
import { t } from "@/i18n";
import type { Text as FileText, MergedFile } from "../model/merge";
import type { Snapshot, Workspace } from "../model/workspace";
import classes from "./ConflictView.module.css";
import { DiffView } from "./DiffView";

type Props = { workspace: Workspace; snapshot: Snapshot };

/** What others saved meanwhile, beside one's own: merged where possible, chosen by hand where not. */
export function ConflictView({ workspace, snapshot }: Props) {
  const { conflict, base } = snapshot;
  const [results, setResults] = useState<ReadonlyMap<string, FileText>>(new Map());
  const [chosen, setChosen] = useState<string | null>(null);
  const [left, setLeft] = useState("theirs");
  if (conflict === null) return null;
  const { theirs, files } = conflict;
  const meeting = files.filter((file) => file.theirs !== file.base);
  const hard = files.filter((file) => file.conflicts > 0);
  const shown = files.find((file) => file.path === chosen) ?? hard[0] ?? meeting[0] ?? files[0];
  const resultOf = (file: MergedFile): FileText => results.get(file.path) ?? file.text;
  const save = (texts: (file: MergedFile) => FileText, message: string) => {
    void workspace.resolve(new Map(files.map((file) => [file.path, texts(file)])), message);
  };
  const sides = [
    { value: "theirs", label: t("Theirs, v{version}", { version: theirs.number }) },
    { value: "base", label: t("Before, v{version}", { version: base.number }) },
    { value: "mine", label: t("Mine") },
  ];
  const leftText =
    shown === undefined ? "" : ((left === "base" ? shown.base : left === "mine" ? shown.mine : shown.theirs) ?? "");
  return (
    <section className={classes.conflict} aria-label={t("Merge")}>
      <div className={classes.head} role="alert">
        <Text fw={600}>
          {t("v{theirs} was saved while you edited v{base}.", { theirs: theirs.number, base: base.number })}
        </Text>
        <Text size="sm" c="dimmed">
          {hard.length === 0
            ? t("Both changes fit together. Look at the result, and save it.")
            : t(
                "Both of you changed the same places. The right side is what will be saved: take theirs by the arrows, or edit it.",
              )}
        </Text>
        <Group gap="xs" mt="xs">
          <Button onClick={() => save(resultOf, t("Merged with v{version}", { version: theirs.number }))}>
            {hard.length === 0 ? t("Merge and save") : t("Save this result")}
          </Button>
          <Button
            variant="default"
            onClick={() => save((file) => file.mine, t("Kept over v{version}", { version: theirs.number }))}
          >
            {t("Mine wins")}
          </Button>
          <Button variant="default" onClick={() => save((file) => file.theirs, "")}>
            {t("Discard mine")}
          </Button>
        </Group>
      </div>
      <div className={classes.files}>
        <Group gap="xs" role="group" aria-label={t("Files to merge")}>
          {files.map((file) => (
            <Button
              key={file.path}
              size="compact-sm"
              variant={file.path === shown?.path ? "light" : "default"}
              aria-pressed={file.path === shown?.path}
              onClick={() => setChosen(file.path)}
            >
              {file.path}
              {file.conflicts > 0
                ? t(" ({count, plural, one {# place} other {# places}} to decide)", { count: file.conflicts })
                : t(" (fits)")}
            </Button>
          ))}
        </Group>
        <SegmentedControl size="xs" data={sides} value={left} onChange={setLeft} aria-label={t("Left side")} />
      </div>
      {shown !== undefined && (
        <div className={classes.diff}>
          <DiffView
            key={`${shown.path} ${left}`}
            path={shown.path}
            before={leftText}
            after={resultOf(shown) ?? ""}
            onAfter={(text) => setResults(new Map(results).set(shown.path, text))}
          />
        </div>
      )}
    </section>
  );
}
