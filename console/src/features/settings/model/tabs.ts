import { useQuery } from "@tanstack/react-query";
import { linkOptions } from "@tanstack/react-router";
import { useApi, useOrganization } from "@/api/context";
import { meQuery } from "@/features/accounts";
import { t } from "@/i18n";
import type { SettingsTab } from "@/ui/SettingsPage";

/** Returns the pages of an organization's settings that whoever is signed in may use, in their order. */
export function useSettingsTabs(): readonly SettingsTab[] {
  const params = { org: useOrganization() };
  const role = useQuery(meQuery(useApi())).data?.role;
  const usage = { title: t("Usage"), link: linkOptions({ to: "/$org/settings/usage", params }) };
  return [
    { title: t("Members"), link: linkOptions({ to: "/$org/settings/members", params }) },
    { title: t("Tokens"), link: linkOptions({ to: "/$org/settings/tokens", params }) },
    ...(role === "member" ? [] : [usage]),
    { title: t("General"), link: linkOptions({ to: "/$org/settings/general", params }) },
  ];
}
