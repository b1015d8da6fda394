import { linkOptions } from "@tanstack/react-router";
import { t } from "@/i18n";
import type { SettingsTab } from "@/ui/SettingsPage";

/** Returns the pages of an organization's settings, in their order. */
export function settingsTabs(org: string): readonly SettingsTab[] {
  return [
    { title: t("Members"), link: linkOptions({ to: "/$org/settings/members", params: { org } }) },
    { title: t("Tokens"), link: linkOptions({ to: "/$org/settings/tokens", params: { org } }) },
    { title: t("General"), link: linkOptions({ to: "/$org/settings/general", params: { org } }) },
  ];
}
