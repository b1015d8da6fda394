import { Alert, Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { t } from "@/i18n";
import { FormError } from "@/ui/FormError";
import { faultOfPath } from "../model/files";

export type Asked =
  | { kind: "new-file" }
  | { kind: "new-action" }
  | { kind: "rename"; path: string }
  | { kind: "delete"; path: string }
  | { kind: "version" };

type Props = {
  asked: Asked;
  paths: readonly string[];
  /** Names of actions and paths of files that would no longer work without the file. */
  usedBy: readonly string[];
  error: unknown;
  isPending: boolean;
  onClose: () => void;
  onDone: (asked: Asked, text: string) => void;
};

const texts = {
  "new-file": () => ({ title: t("New file"), label: t("Name"), submit: t("Create file") }),
  "new-action": () => ({ title: t("New action"), label: t("Name"), submit: t("Create action") }),
  rename: () => ({ title: t("Rename"), label: t("New name"), submit: t("Rename") }),
  delete: () => ({ title: t("Delete file"), label: "", submit: t("Delete") }),
  version: () => ({ title: t("Save a version"), label: t("What changed (optional)"), submit: t("Save") }),
} as const;

const hints: Partial<Record<Asked["kind"], () => string>> = {
  "new-file": () => t("For example shared/dates.py, prices.json or notes.md"),
  "new-action": () => t("What people call it, for example Import orders. It starts with an example that works."),
};

/** Asks for what a change of the files needs: a name, a message, or a yes. */
export function FileDialog({ asked, paths, usedBy, error, isPending, onClose, onDone }: Props) {
  const { title, label, submit } = texts[asked.kind]();
  const [text, setText] = useState(asked.kind === "rename" ? asked.path : "");
  const [fault, setFault] = useState<string | null>(null);
  const faultOf = (typed: string): string | null => {
    if (asked.kind === "new-action") return typed === "" ? t("Give the action a name.") : null;
    if (asked.kind === "new-file") return faultOfPath(typed, paths);
    if (asked.kind !== "rename") return null;
    if (typed === asked.path) return t("This is its name already.");
    return faultOfPath(
      typed,
      paths.filter((path) => path !== asked.path),
    );
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    const found = faultOf(text.trim());
    setFault(found);
    if (found === null) onDone(asked, text.trim());
  };
  return (
    <Modal opened onClose={onClose} title={title}>
      <form onSubmit={onSubmit} noValidate>
        <Stack gap="sm">
          {asked.kind === "delete" ? (
            <Text>{t("{path} will be gone in the next version; earlier versions keep it.", { path: asked.path })}</Text>
          ) : (
            <TextInput
              label={label}
              description={hints[asked.kind]?.()}
              value={text}
              error={fault}
              maxLength={200}
              data-autofocus
              onChange={(event) => setText(event.currentTarget.value)}
            />
          )}
          {usedBy.length > 0 && (
            <Alert color="orange" variant="outline" title={t("Used by")}>
              <Text size="sm">{usedBy.join(", ")}</Text>
            </Alert>
          )}
          <FormError error={error} />
          <Group>
            <Button type="submit" loading={isPending} color={asked.kind === "delete" ? "red" : "accent"}>
              {submit}
            </Button>
            <Button variant="default" onClick={onClose}>
              {t("Cancel")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
