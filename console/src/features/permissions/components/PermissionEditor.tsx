import { Button, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { ApiError } from "@/api/errors";
import { useCommands } from "@/commands/registry";
import type { TableRead } from "@/features/tables";
import { t } from "@/i18n";
import { AsCode } from "@/ui/AsCode";
import { ConfirmModal } from "@/ui/ConfirmModal";
import { DraftNotice } from "@/ui/DraftNotice";
import { FormError } from "@/ui/FormError";
import { liftLimits, type PermissionRead, savePermission } from "../api";
import { differing, type Part, permissionOf, writeOf } from "../model/permission";
import { permissionSnippets } from "../model/snippets";
import { usePermissionDraft } from "../model/use-draft";
import { Matrix } from "./Matrix";
import { PartSections } from "./PartSections";
import classes from "./Permissions.module.css";

type Props = { app: string; user: number; table: TableRead; stored: PermissionRead | null };

/** The matrix, what each right means, and the bar that saves it. */
export function PermissionEditor({ app, user, table, stored }: Props) {
  const api = useApi();
  const org = useOrganization();
  const cache = useQueryClient();
  const draft = usePermissionDraft(user, table.id, stored);
  const [isLifting, setLifting] = useState(false);
  const { edited } = draft;
  const refresh = () => cache.invalidateQueries({ queryKey: ["tables", app] });
  const saving = useMutation({
    mutationFn: () => savePermission(api, app, table.name, writeOf(edited.permission, draft.revision)),
    onSuccess: async (saved) => {
      cache.setQueryData(["tables", app, "permissions", table.name], saved);
      draft.discard();
      notifications.show({ message: t("Saved. It holds from the next request of a member on.") });
      await refresh();
    },
    // Somebody was quicker: what they saved is shown beside what was typed.
    onError: (error) => error instanceof ApiError && error.code === "stale_version" && refresh(),
  });
  const columns = useMemo(() => table.columns.map(({ name, type }) => ({ name, type })), [table]);
  const own = useMemo(
    () => table.columns.filter(({ is_system }) => !is_system).map(({ name, type }) => ({ name, type })),
    [table],
  );
  const faults = useMemo(() => faultsOf(saving.error), [saving.error]);
  const canSave = draft.isChanged && !draft.isStale && Object.keys(edited.unread).length === 0 && !saving.isPending;
  const save = useRef(() => {});
  save.current = () => canSave && saving.mutate();
  useCommands(
    useMemo(
      () => [
        {
          id: "permissions.save",
          title: t("Save the permissions"),
          group: t("Table"),
          keys: "mod+enter",
          run: () => save.current(),
        },
      ],
      [],
    ),
  );
  return (
    <>
      <DraftNotice resumedAt={draft.resumedAt} onDiscard={draft.discard} />
      {draft.isStale && <Conflict draft={draft} stored={stored} />}
      <Text mb="sm">
        {stored === null
          ? t("Members may do everything with the rows of their organization. Untick or narrow what they may not.")
          : t("Members are limited on this table. Runs of actions are not: they are the app’s own program.")}
      </Text>
      <Matrix permission={edited.permission} onPermission={(permission) => draft.change({ ...edited, permission })} />
      <PartSections edited={edited} columns={columns} own={own} faults={faults} onEdited={draft.change} />
      <FormError error={faults.size === 0 || faults.has("") ? saving.error : null} />
      <div className={classes.bar}>
        <Button onClick={() => save.current()} loading={saving.isPending} disabled={!canSave}>
          {t("Save")}
        </Button>
        <Button
          variant="default"
          disabled={!draft.isChanged}
          onClick={() => {
            saving.reset();
            draft.discard();
          }}
        >
          {t("Discard")}
        </Button>
        <AsCode
          title={t("Set this permission with a program")}
          snippets={() =>
            permissionSnippets({
              organization: org,
              app,
              table: table.name,
              permission: edited.permission,
              stored,
            })
          }
        />
        {stored !== null && (
          <Button variant="default" color="red" onClick={() => setLifting(true)}>
            {t("Lift all limits")}
          </Button>
        )}
        <Text size="sm" c="dimmed" role="status">
          {draft.isChanged ? t("Not saved; kept in this browser") : t("Saved")}
        </Text>
      </div>
      {isLifting && stored !== null && (
        <ConfirmModal
          title={t("Lift all limits of members?")}
          doLabel={t("Lift all limits")}
          act={async () => {
            await liftLimits(api, app, table.name, stored.revision);
            draft.discard();
            await refresh();
          }}
          onClose={() => setLifting(false)}
        >
          <Text>{t("Members will read and write all rows of their organization in this table, at once.")}</Text>
        </ConfirmModal>
      )}
    </>
  );
}

type ConflictProps = { draft: ReturnType<typeof usePermissionDraft>; stored: PermissionRead | null };

function Conflict({ draft, stored }: ConflictProps) {
  const names: Record<Part, string> = { read: t("read"), add: t("add"), change: t("change"), delete: t("delete") };
  const theirs = differing(draft.base, permissionOf(stored)).map((part) => names[part]);
  return (
    <div className={classes.notice} role="alert">
      <div>
        <strong>{t("Somebody else changed these permissions since you began.")}</strong>{" "}
        {stored === null
          ? t("They lifted all limits.")
          : t("They changed: {parts}.", { parts: theirs.join(", ") || t("nothing that is different now") })}{" "}
        {t("Your changes are kept.")}
      </div>
      <Button size="compact-sm" variant="default" onClick={draft.discard}>
        {t("Take theirs")}
      </Button>
      <Button size="compact-sm" variant="default" onClick={draft.rebase}>
        {t("Go on with mine")}
      </Button>
    </div>
  );
}

/** Returns what was refused by the editor that it belongs to: `read.rule` for `read.rule._and.0.total._eq`. */
function faultsOf(error: unknown): ReadonlyMap<string, string> {
  const fields = error instanceof ApiError && error.status === 422 ? error.fields : [];
  return new Map(
    fields.map(({ path, message }) => {
      const [part, field, ...rest] = path.split(".");
      const isKnown = ["rule", "after", "columns", "presets"].includes(field ?? "");
      return isKnown
        ? [`${part}.${field}`, rest.length === 0 ? message : `${rest.join(".")}: ${message}`]
        : ["", message];
    }),
  );
}
