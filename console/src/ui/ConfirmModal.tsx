import { Button, Group, Modal, Stack } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { t } from "@/i18n";
import { FormError } from "./FormError";

type Props = {
  title: string;
  /** What it means to do it. */
  children: ReactNode;
  /** The button that does it, named after what it does. */
  doLabel: string;
  act: () => Promise<unknown>;
  onClose: () => void;
};

/** Asks before something that cannot be undone. Closes when it is done; stays and says why when it was refused. */
export function ConfirmModal({ title, children, doLabel, act, onClose }: Props) {
  const acting = useMutation({ mutationFn: act, onSuccess: onClose });
  return (
    <Modal opened onClose={onClose} title={title}>
      <Stack gap="sm">
        {children}
        <FormError error={acting.error} onRetryable={acting.reset} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} data-autofocus>
            {t("Cancel")}
          </Button>
          <Button color="red.9" loading={acting.isPending} onClick={() => acting.mutate()}>
            {doLabel}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
