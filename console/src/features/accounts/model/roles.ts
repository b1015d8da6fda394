import { t } from "@/i18n";
import type { Role } from "../api";

/** All roles, the most powerful first. */
export const roles: readonly Role[] = ["owner", "builder", "member"];

/** Returns a role in words. */
export function nameOfRole(role: Role): string {
  return { owner: t("Owner"), builder: t("Builder"), member: t("Member") }[role];
}

/** Says what a role may do, as the end of "may …". */
export function describeRole(role: Role): string {
  return {
    owner: t("build apps and manage members, tokens and installs"),
    builder: t("create and change apps, tables, actions and integrations"),
    member: t("use the apps: work with rows and start actions"),
  }[role];
}
