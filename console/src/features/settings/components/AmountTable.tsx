import { Progress, Table } from "@mantine/core";
import { t } from "@/i18n";
import { bytes, number } from "@/ui/time";
import type { Usage } from "../api";
import classes from "./Usage.module.css";

type Amount = { used: number; limit: number | null };

/** What is used, each beside its limit where there is one. */
export function AmountTable({ usage }: { usage: Usage }) {
  return (
    <Table aria-label={t("Now")} className={classes.amounts}>
      <Table.Tbody>
        <Row name={t("Calls to integrations this month")} amount={usage.calls_this_month} />
        <Row name={t("Files, their size")} amount={usage.file_bytes} show={bytes} />
        <Row name={t("Files, their number")} amount={usage.files} />
        <Row name={t("Rows, about")} amount={usage.rows} />
        <Row name={t("Tables")} amount={usage.tables} />
        <Row name={t("Members")} amount={usage.members} />
      </Table.Tbody>
    </Table>
  );
}

function Row({ name, amount, show = number }: { name: string; amount: Amount; show?: (value: number) => string }) {
  const { used, limit } = amount;
  return (
    <Table.Tr>
      <Table.Th scope="row">{name}</Table.Th>
      <Table.Td className={classes.number}>
        {limit === null ? show(used) : t("{used} of {limit}", { used: show(used), limit: show(limit) })}
      </Table.Td>
      <Table.Td className={classes.share}>
        {limit !== null && (
          <Progress
            value={limit === 0 ? 100 : Math.min(100, Math.round((100 * used) / limit))}
            color={used >= limit ? "red" : "accent"}
            aria-label={t("Share of the limit: {name}", { name })}
          />
        )}
      </Table.Td>
    </Table.Tr>
  );
}
