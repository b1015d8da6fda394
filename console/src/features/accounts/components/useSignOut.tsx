import { Button, Group, Modal, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useApi } from "@/api/context";
import { dropDrafts, findDrafts } from "@/api/drafts";
import { t } from "@/i18n";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { signOut } from "../api";

/**
 * Returns what signs out, and the dialog that asks first when this browser keeps drafts of the user that would be lost.
 * The caller shows the dialog.
 */
export function useSignOut(userId: number | undefined) {
  const api = useApi();
  const user = userId === undefined ? null : String(userId);
  const [drafts, setDrafts] = useState(0);
  const leaving = useMutation({
    mutationFn: async () => {
      await signOut(api);
      if (user !== null) await dropDrafts(user);
    },
    // A new document: nothing of what was loaded stays in memory.
    onSuccess: () => window.location.assign("/sign-in"),
  });
  const begin = async () => {
    const { length } = user === null ? [] : await findDrafts(user);
    if (length === 0) leaving.mutate();
    else setDrafts(length);
  };
  const dialog = (
    <Modal opened={drafts > 0} onClose={() => setDrafts(0)} title={t("Sign out?")}>
      <Text>
        {t(
          "{drafts, plural, one {One draft is} other {# drafts are}} not saved. Signing out discards what this browser keeps.",
          { drafts },
        )}
      </Text>
      {leaving.error && <ErrorPanel error={leaving.error} />}
      <Group mt="md">
        <Button variant="default" data-autofocus onClick={() => setDrafts(0)}>
          {t("Stay")}
        </Button>
        <Button color="red" loading={leaving.isPending} onClick={() => leaving.mutate()}>
          {t("Sign out and discard")}
        </Button>
      </Group>
    </Modal>
  );
  return { begin, dialog, isPending: leaving.isPending, error: leaving.error };
}
