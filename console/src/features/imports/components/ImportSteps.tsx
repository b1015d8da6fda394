import { Button } from "@mantine/core";
import { t } from "@/i18n";
import { Steps } from "@/ui/Steps";
import type { Import } from "../api";
import type { FileWork } from "../model/use-file-work";

const titles = () => [t("Choose a file"), t("Check the columns"), t("Import"), t("Repair rows")];

type Props = { work: FileWork; onGo: (isAtFile: boolean) => void };

/** Where one is on the way from a file to its import. Going back loses no choice. */
export function StepsToImport({ work, onGo }: Props) {
  const canGo = work.sent !== null;
  return (
    <Steps
      label={t("Steps of the import")}
      current={isAtFile(work) ? 0 : 1}
      steps={titles().map((title, index) => ({
        title,
        onGo: canGo && index < 2 ? () => onGo(index === 0) : undefined,
      }))}
    />
  );
}

/** Returns whether one is still, or again, choosing the file. */
export function isAtFile({ sent, isBack }: FileWork): boolean {
  return sent === null || isBack;
}

/** Goes on to the columns, for who has gone back to the file. */
export function ContinueButton({ onGo }: { onGo: () => void }) {
  return (
    <div>
      <Button onClick={onGo}>{t("Go on with this file")}</Button>
    </div>
  );
}

/** Where an import is that has begun. */
export function StepsOfImport({ job }: { job: Pick<Import, "status" | "to_repair"> }) {
  const hasRun = job.status === "completed" || (job.status === "failed" && job.to_repair > 0);
  const current = !hasRun ? 2 : job.to_repair > 0 ? 3 : 4;
  return <Steps label={t("Steps of the import")} current={current} steps={titles().map((title) => ({ title }))} />;
}
