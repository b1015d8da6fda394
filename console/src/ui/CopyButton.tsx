import { Button } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import IconCheck from "@tabler/icons-react/icons/IconCheck";
import IconCopy from "@tabler/icons-react/icons/IconCopy";
import { t } from "@/i18n";

/** Copies `value` and says that it did. */
export function CopyButton({ value, label = t("Copy") }: { value: string; label?: string }) {
  const clipboard = useClipboard({ timeout: 2000 });
  const Icon = clipboard.copied ? IconCheck : IconCopy;
  return (
    <Button variant="default" leftSection={<Icon size={16} aria-hidden />} onClick={() => clipboard.copy(value)}>
      <span aria-live="polite">{clipboard.copied ? t("Copied") : label}</span>
    </Button>
  );
}
