import type { Icon } from "@tabler/icons-react";
import IconApi from "@tabler/icons-react/icons/IconApi";
import IconCode from "@tabler/icons-react/icons/IconCode";
import IconHistory from "@tabler/icons-react/icons/IconHistory";
import IconHome from "@tabler/icons-react/icons/IconHome";
import IconInbox from "@tabler/icons-react/icons/IconInbox";
import IconLayoutDashboard from "@tabler/icons-react/icons/IconLayoutDashboard";
import IconSettings from "@tabler/icons-react/icons/IconSettings";
import IconTable from "@tabler/icons-react/icons/IconTable";
import { linkOptions } from "@tanstack/react-router";
import { t } from "@/i18n";

/** Returns the places that the navigation shows, in its order; `g` and then `letter` go there. */
export function organizationPlaces(org: string) {
  return [
    {
      title: t("Home"),
      letter: "h",
      icon: IconHome as Icon,
      link: linkOptions({ to: "/$org", params: { org }, activeOptions: { exact: true } }),
    },
    {
      title: t("Inbox"),
      letter: "i",
      icon: IconInbox as Icon,
      link: linkOptions({ to: "/$org/inbox", params: { org } }),
    },
    {
      title: t("Runs"),
      letter: "u",
      icon: IconHistory as Icon,
      link: linkOptions({ to: "/$org/runs", params: { org } }),
    },
  ];
}

/** Returns the places of one app. */
export function appPlaces(org: string, app: string) {
  return [
    {
      title: t("Overview"),
      letter: "o",
      icon: IconLayoutDashboard as Icon,
      link: linkOptions({ to: "/$org/$app", params: { org, app }, activeOptions: { exact: true } }),
    },
    {
      title: t("Tables"),
      letter: "t",
      icon: IconTable as Icon,
      link: linkOptions({ to: "/$org/$app/tables", params: { org, app } }),
    },
    {
      title: t("Code"),
      letter: "c",
      icon: IconCode as Icon,
      link: linkOptions({ to: "/$org/$app/code/$", params: { org, app, _splat: "" } }),
    },
    {
      title: t("API"),
      letter: "a",
      icon: IconApi as Icon,
      link: linkOptions({ to: "/$org/$app/api", params: { org, app } }),
    },
    {
      title: t("Runs of the app"),
      letter: "r",
      icon: IconHistory as Icon,
      link: linkOptions({ to: "/$org/$app/runs", params: { org, app } }),
    },
  ];
}

/** Returns the places below all others. */
export function lastPlaces(org: string) {
  return [
    {
      title: t("Settings"),
      letter: "s",
      icon: IconSettings as Icon,
      link: linkOptions({ to: "/$org/settings", params: { org } }),
    },
  ];
}
