import { ApiError } from "@/api/errors";
import { t } from "@/i18n";

/** Returns why an invitation cannot be accepted any more, for whoever has its link; null for other errors. */
export function whyEnded(error: unknown): { title: string; text: string } | null {
  if (!(error instanceof ApiError)) return null;
  switch (error.code) {
    case "invitation_unknown":
      return {
        title: t("There is no such invitation"),
        text: t("Check that the link was copied whole, or ask whoever sent it for a new one."),
      };
    case "invitation_used":
      return {
        title: t("This invitation has been used"),
        text: t(
          "A link lets one person in. If that was you, sign in; else ask an owner for an invitation of your own.",
        ),
      };
    case "invitation_expired":
      return {
        title: t("This invitation has expired"),
        text: t("Ask an owner of the organization for a new one."),
      };
    case "invitation_revoked":
      return {
        title: t("This invitation was withdrawn"),
        text: t("An owner has revoked it, or is no owner any more. Ask an owner of the organization for a new one."),
      };
    default:
      return null;
  }
}
