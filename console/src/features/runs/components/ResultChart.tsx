import { Group, NativeSelect, SegmentedControl, Table, Text } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useState } from "react";
import { t } from "@/i18n";
import { number, shortNumber } from "@/ui/time";
import { type Choices, firstChoice, type Kind, type Points, pointsOf, ticksOf } from "../model/chart";
import type { Rows } from "../model/results";
import { Marks } from "./Marks";
import classes from "./ResultChart.module.css";

const maxLabels = 12;

/** Draws a result that is a list of objects: a number of each row, by a label or over time, beside the same as a table. */
export function ResultChart({ rows, choices }: { rows: Rows; choices: Choices }) {
  const [chosen, setChosen] = useState(() => firstChoice(choices));
  const { kind, label, value } = chosen;
  const shown = pointsOf(rows, label, value, kind, choices.times.includes(label));
  return (
    <>
      <Group gap="sm" align="flex-end">
        <SegmentedControl
          size="xs"
          aria-label={t("Kind of chart")}
          value={kind}
          onChange={(name) => setChosen({ ...chosen, kind: name === "line" ? "line" : "bar" })}
          data={[
            { value: "bar", label: t("Bars") },
            { value: "line", label: t("Line") },
          ]}
        />
        <NativeSelect
          size="xs"
          label={t("Value")}
          data={choices.values}
          value={value}
          onChange={(event) => setChosen({ ...chosen, value: event.currentTarget.value })}
        />
        <NativeSelect
          size="xs"
          label={t("By")}
          data={choices.labels}
          value={label}
          onChange={(event) => setChosen({ ...chosen, label: event.currentTarget.value })}
        />
      </Group>
      {shown.left > 0 && (
        <Text size="sm" c="dimmed">
          {t("The first {count} rows are drawn; {left} more are in the table of all columns.", {
            count: shown.points.length,
            left: shown.left,
          })}
        </Text>
      )}
      <div className={classes.beside}>
        <Chart shown={shown} kind={kind} value={value} label={label} />
        <Numbers shown={shown} value={value} label={label} />
      </div>
    </>
  );
}

type Named = { shown: Points; value: string; label: string };

function Chart({ shown: { points }, kind, value, label }: Named & { kind: Kind }) {
  const { ref, width, height } = useElementSize();
  const ticks = ticksOf(points);
  const [low = 0, high = 1] = [ticks[0], ticks.at(-1)];
  const names = points.length <= maxLabels ? points : [points[0], points.at(-1)];
  return (
    <figure className={classes.chart}>
      <div className={classes.plot}>
        <div className={classes.axis} aria-hidden>
          {ticks.map((tick) => (
            <span key={tick} style={{ bottom: `${(100 * (tick - low)) / (high - low)}%` }}>
              {shortNumber(tick)}
            </span>
          ))}
        </div>
        <div ref={ref} className={classes.marks}>
          <Marks
            points={points}
            kind={kind}
            ticks={ticks}
            width={width}
            height={height}
            title={summary(kind, points, value, label)}
          />
        </div>
      </div>
      <div className={classes.labels} data-ends={points.length > maxLabels || undefined} aria-hidden>
        {names.map((point, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: two rows may have the same label
          <bdi key={index} title={point?.label}>
            {point?.label}
          </bdi>
        ))}
      </div>
    </figure>
  );
}

function Numbers({ shown: { points }, value, label }: Named) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, by keyboard too
    <section className={classes.numbers} tabIndex={0} aria-label={t("The numbers of the chart")}>
      <Table stickyHeader verticalSpacing={2}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{label}</Table.Th>
            <Table.Th scope="col" className={classes.number}>
              {value}
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {points.map((point, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: two rows may have the same label
            <Table.Tr key={index}>
              <Table.Th scope="row" className={classes.name}>
                <bdi>{point.label}</bdi>
              </Table.Th>
              <Table.Td className={classes.number}>{number(point.value, 6)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  );
}

function summary(kind: Kind, points: Points["points"], value: string, label: string): string {
  const values = points.map((point) => point.value);
  const told = { value, label, count: points.length };
  const ends = { low: number(Math.min(...values), 6), high: number(Math.max(...values), 6) };
  return kind === "bar"
    ? t("Bars of {value} by {label}: {count} values from {low} to {high}", { ...told, ...ends })
    : t("Line of {value} by {label}: {count} values from {low} to {high}", { ...told, ...ends });
}
