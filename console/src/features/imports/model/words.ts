import { t } from "@/i18n";
import type { PreviewColumn } from "../api";
import { type PlannedType, plannedTypes } from "./plan";

const typeLabels: Record<PlannedType, () => string> = {
  text: () => t("Text"),
  integer: () => t("Whole number"),
  bigint: () => t("Large whole number"),
  numeric: () => t("Number"),
  float: () => t("Approximate number"),
  boolean: () => t("Yes or no"),
  date: () => t("Date"),
  timestamptz: () => t("Date and time"),
  uuid: () => t("UUID"),
  json: () => t("JSON"),
};

/** Returns the types of columns as choices. */
export function typeChoices(): { value: PlannedType; label: string }[] {
  return plannedTypes.map((value) => ({ value, label: typeLabels[value]() }));
}

/** Says how sure the suggested type is. */
export function confidenceWord(confidence: PreviewColumn["confidence"]): string {
  if (confidence === "certain") return t("certain");
  return confidence === "likely" ? t("likely") : t("unsure");
}
