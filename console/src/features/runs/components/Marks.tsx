import { number } from "@/ui/time";
import type { Kind, Point } from "../model/chart";
import classes from "./ResultChart.module.css";

/** So many are drawn with a dot each: more would run into one another. */
const maxDots = 100;

type Props = {
  points: readonly Point[];
  kind: Kind;
  ticks: readonly number[];
  width: number;
  height: number;
  /** Says in a sentence what is drawn, to who cannot see it. */
  title: string;
};

/** Draws bars or a line, with a rule at each tick. */
export function Marks({ points, kind, ticks, width, height, title }: Props) {
  const low = ticks[0] ?? 0;
  const high = ticks.at(-1) ?? 1;
  const y = (value: number) => height - (height * (value - low)) / (high - low);
  const slot = width / Math.max(1, points.length);
  const first = points[0]?.at ?? null;
  const span = (points.at(-1)?.at ?? 0) - (first ?? 0);
  const x = ({ at }: Point, index: number) =>
    at !== null && first !== null && span > 0 ? (width * (at - first)) / span : slot * (index + 0.5);
  return (
    <svg role="img" aria-label={title} width={width} height={height} className={classes.svg}>
      {ticks.map((tick) => (
        <line
          key={tick}
          x1={0}
          x2={width}
          y1={y(tick)}
          y2={y(tick)}
          className={tick === 0 ? classes.zero : classes.rule}
        />
      ))}
      {kind === "line" && (
        <polyline
          className={classes.line}
          points={points.map((it, index) => `${x(it, index)},${y(it.value)}`).join(" ")}
        />
      )}
      {kind === "line" &&
        points.length <= maxDots &&
        points.map((point, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: two rows may have the same label
          <circle key={index} cx={x(point, index)} cy={y(point.value)} r={3} className={classes.dot}>
            <title>{told(point)}</title>
          </circle>
        ))}
      {kind === "bar" &&
        points.map((point, index) => (
          <rect
            // biome-ignore lint/suspicious/noArrayIndexKey: two rows may have the same label
            key={index}
            x={slot * index + slot * 0.1}
            width={Math.max(1, slot * 0.8)}
            y={Math.min(y(point.value), y(0))}
            height={Math.max(point.value === 0 ? 0 : 1, Math.abs(y(point.value) - y(0)))}
            className={classes.bar}
          >
            <title>{told(point)}</title>
          </rect>
        ))}
    </svg>
  );
}

function told({ label, value }: Point): string {
  return `${label}: ${number(value, 6)}`;
}
