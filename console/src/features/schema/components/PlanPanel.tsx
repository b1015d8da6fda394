import { Anchor, Button, Group, Text, Title } from "@mantine/core";
import IconAlertTriangle from "@tabler/icons-react/icons/IconAlertTriangle";
import IconCircleCheck from "@tabler/icons-react/icons/IconCircleCheck";
import IconHelpCircle from "@tabler/icons-react/icons/IconHelpCircle";
import { Link } from "@tanstack/react-router";
import { messageOf } from "@/api/errors";
import { t } from "@/i18n";
import { AsCode } from "@/ui/AsCode";
import { Elapsed } from "@/ui/Elapsed";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { FormError } from "@/ui/FormError";
import { LoadingRows } from "@/ui/Page";
import { number } from "@/ui/time";
import type { Check, Edit, Plan } from "../api";
import { valuesOf, whereEmpty } from "../model/rows-filter";
import { schemaSnippets } from "../model/snippets";
import type { Applying } from "../model/use-applying";
import classes from "./Schema.module.css";
import { UseList } from "./UseList";

type Props = {
  org: string;
  app: string;
  /** The table as addresses name it; null for a new one. */
  table: string | null;
  count: number;
  plan: Plan | undefined;
  error: unknown;
  applying: Applying;
  /** Why nothing can be applied now. */
  hindrance: string | null;
  typeOf: (column: string) => string;
  onRetry: () => void;
  onApply: () => void;
  onDiscard: () => void;
  /** What is sent to apply the plan. */
  change: Edit;
  /** Opens the form of a new column that lacks a default. */
  onGiveDefault: (column: string) => void;
};

/** What the staged changes would do, before anything is done. */
export function PlanPanel(props: Props) {
  const { count, plan, error, applying, hindrance, table, onApply, onDiscard, onRetry } = props;
  const isFailing = plan?.checks.some(({ state }) => state === "fails" || state === "impossible") ?? false;
  return (
    <>
      <Title order={2} size="h4" id="plan">
        {count === 0 ? t("Plan") : t("Plan ({count, plural, one {# change} other {# changes}})", { count })}
      </Title>
      {count === 0 && (
        <Text c="dimmed">
          {t("What you change is collected here first. You see what it does before you apply it.")}
        </Text>
      )}
      {count > 0 && plan === undefined && error === null && hindrance === null && <LoadingRows count={3} />}
      {count > 0 && error !== null && <ErrorPanel error={error} onRetry={onRetry} />}
      {count > 0 && plan !== undefined && <Content {...props} plan={plan} />}
      {hindrance !== null && (
        <Text size="sm" c="dimmed">
          {hindrance}
        </Text>
      )}
      {count > 0 && (
        <>
          <FormError error={applying.isPending ? null : applying.error} />
          {applying.isPending && <Progress applying={applying} />}
          <Group gap="xs" justify="flex-end">
            {plan !== undefined && (
              <AsCode
                title={t("Make these changes with a program")}
                snippets={() => schemaSnippets({ ...props, plan })}
              />
            )}
            <Button variant="default" onClick={onDiscard} disabled={applying.isPending}>
              {t("Discard")}
            </Button>
            <Button
              onClick={onApply}
              loading={applying.isPending}
              disabled={plan === undefined || isFailing || hindrance !== null}
            >
              {table === null
                ? t("Create table")
                : t("Apply {count, plural, one {# change} other {# changes}}", { count })}
            </Button>
          </Group>
        </>
      )}
    </>
  );
}

function Content({ plan, org, app, table, typeOf, onGiveDefault }: Props & { plan: Plan }) {
  return (
    <>
      {table !== null && (
        <Text size="sm">
          {plan.is_estimate
            ? t("The table has about {rows} rows.", { rows: number(plan.rows) })
            : t("The table has {count, plural, one {# row} other {# rows}}.", { count: plan.rows })}
          {plan.rewrites && ` ${t("Every row is written anew.")}`}
        </Text>
      )}
      {plan.checks.length > 0 && (
        <ul className={classes.checks} aria-label={t("What the rows must meet")}>
          {plan.checks.map((check) => (
            <CheckItem
              key={`${check.kind} ${check.columns.join()}`}
              check={check}
              place={table === null ? null : { org, app, table }}
              type={typeOf(check.filter_column ?? "")}
              onGiveDefault={onGiveDefault}
            />
          ))}
        </ul>
      )}
      {table !== null && (
        <UseList uses={plan.uses} title={t("Uses what goes or is renamed")} place={{ org, app, table }} />
      )}
      {plan.statements.length === 0 ? (
        <Text size="sm">{t("PostgreSQL has nothing to do: only how columns are shown changes.")}</Text>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
        <ol className={classes.statements} aria-label={t("SQL")} tabIndex={0}>
          {plan.statements.map((statement) => (
            <li key={statement.sql}>
              <pre className={classes.sql}>{statement.sql}</pre>
              <Text size="sm" c="dimmed">
                {statement.lock === "none" ? statement.words : `${statement.lock}: ${statement.words}`}
              </Text>
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

/** Says for how long it has been under way, and what it waits for. */
function Progress({ applying: { waitingFor = null, isStopping = false, onStop } }: { applying: Applying }) {
  return (
    <Group gap="xs" justify="space-between" wrap="nowrap">
      <Text size="sm">
        <span role="status">
          {waitingFor === null
            ? t("Applying. It waits a few seconds for a table in use, then says who uses it.")
            : t("Waiting. {reason} This page does so by itself.", { reason: messageOf(waitingFor) })}
        </span>{" "}
        <Elapsed />
      </Text>
      {waitingFor !== null && (
        <Button size="compact-sm" variant="default" onClick={onStop} loading={isStopping}>
          {t("Stop waiting")}
        </Button>
      )}
    </Group>
  );
}

type CheckProps = {
  check: Check;
  place: { org: string; app: string; table: string } | null;
  type: string;
  onGiveDefault: (column: string) => void;
};

function CheckItem({ check, place, type, onGiveDefault }: CheckProps) {
  const { state, kind } = check;
  const Icon = state === "passes" ? IconCircleCheck : state === "unchecked" ? IconHelpCircle : IconAlertTriangle;
  const column = check.columns.join(", ");
  const empty = whereEmpty(check);
  const rules = { column };
  const words = {
    required: t("{column} is required", rules),
    type: t("{column} is converted", rules),
    unique: t("{column} is unique", rules),
    choice: t("{column} has one of the choices", rules),
    reference: t("{column} leads to a row", rules),
  };
  return (
    <li className={classes.check} data-state={state}>
      <Icon size={18} aria-hidden />
      <div>
        <Text size="sm" fw={600}>
          {words[kind]}
        </Text>
        <Text size="sm">
          {state === "unchecked" ? t("Unknown: {reason}", { reason: check.message }) : check.message}
        </Text>
        {state === "fails" && kind === "required" && check.filter_column === null && (
          <Button size="compact-sm" variant="default" mt={4} onClick={() => onGiveDefault(column)}>
            {t("Give {column} a default", rules)}
          </Button>
        )}
        {place !== null && state === "fails" && empty !== null && (
          <RowsLink place={place} where={empty} label={t("Show these rows")} />
        )}
        {place !== null && state === "fails" && (
          <Group gap="xs">
            {valuesOf(check, type).map(({ value, where }) => (
              <RowsLink key={value} place={place} where={where} label={t("Rows with {value}", { value })} />
            ))}
          </Group>
        )}
      </div>
    </li>
  );
}

type RowsLinkProps = { place: { org: string; app: string; table: string }; where: unknown; label: string };

function RowsLink({ place, where, label }: RowsLinkProps) {
  return (
    <Anchor
      size="sm"
      renderRoot={(props) => <Link to="/$org/$app/tables/$table" params={place} search={{ where }} {...props} />}
    >
      {label}
    </Anchor>
  );
}
