import { t } from "@/i18n";

/** Returns `message` for a text with nothing in it, else null. */
export function missing(text: string, message: string): string | null {
  return text.trim() === "" ? message : null;
}

/** Says what is wrong with an e-mail address; null when nothing is. Internal domains (`me@server.lan`) are right. */
export function missingEmail(email: string): string | null {
  return /^[^@\s<>,;]+@[^@\s<>,;]+$/.test(email.trim()) ? null : t("Write an e-mail address, such as ada@example.com.");
}
