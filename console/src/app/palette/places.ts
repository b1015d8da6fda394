import { useQuery } from "@tanstack/react-query";
import { useApi, useOrganization } from "@/api/context";
import { appsQuery } from "@/features/apps";
import { t } from "@/i18n";
import { appReference } from "@/routing/references";

type Place = { title: string; group: string; href: string };

/** Returns the places of the organization that can be gone to by name. */
export function usePlaces(): readonly Place[] {
  const org = useOrganization();
  const apps = useQuery(appsQuery(useApi()));
  return (apps.data?.results ?? []).map((app) => ({
    title: app.name,
    group: t("Apps"),
    href: `/${org}/${appReference(app)}`,
  }));
}
