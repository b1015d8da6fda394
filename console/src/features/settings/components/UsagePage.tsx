import { useQuery } from "@tanstack/react-query";
import { useApi, useOrganization } from "@/api/context";
import { ApiError } from "@/api/errors";
import { nameOfRole } from "@/features/accounts";
import { t } from "@/i18n";
import { AsCode } from "@/ui/AsCode";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows } from "@/ui/Page";
import { SettingsPage, SettingsSection } from "@/ui/SettingsPage";
import { type Usage, usageQuery } from "../api";
import { useSettingsTabs } from "../model/tabs";
import { usageSnippets } from "../model/usage";
import { AmountTable } from "./AmountTable";
import { DailyUsage } from "./DailyUsage";

/** What the organization uses: against its limits, and by day. */
export function UsagePage() {
  const org = useOrganization();
  const usage = useQuery(usageQuery(useApi()));
  const isRefused = usage.error instanceof ApiError && usage.error.code === "missing_role";
  return (
    <SettingsPage
      title={t("Usage")}
      tabs={useSettingsTabs()}
      help="/help/console#usage"
      asCode={<AsCode title={t("Read the usage with a program")} snippets={() => usageSnippets(org)} />}
    >
      {usage.isPending && <LoadingRows />}
      {isRefused && (
        <EmptyState title={t("Builders and owners see what is used")}>
          {t("Your role is {role}: ask one of the owners.", { role: nameOfRole("member") })}
        </EmptyState>
      )}
      {usage.error && !isRefused && <ErrorPanel error={usage.error} onRetry={() => usage.refetch()} />}
      {usage.data && <Shown usage={usage.data} />}
    </SettingsPage>
  );
}

function Shown({ usage }: { usage: Usage }) {
  return (
    <>
      <SettingsSection title={t("Now")} description={t("Rows are those of your apps, as the database estimates them.")}>
        <AmountTable usage={usage} />
      </SettingsSection>
      <SettingsSection title={t("The last 30 days")} description={t("Days are those of UTC.")}>
        <DailyUsage days={usage.days} />
      </SettingsSection>
    </>
  );
}
