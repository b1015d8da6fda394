import { memo, type ReactNode } from "react";
import { t } from "@/i18n";
import { type AnsiPart, ansiParts } from "./ansi";
import { download } from "./download";
import classes from "./LogView.module.css";
import { bytes } from "./time";

/** The height of a line in pixels, as in the style sheet. */
export const rowHeight = 20;
/** Longer lines are cut: a browser that lays out megabytes in one line stands still. */
const maxShown = 4000;
const place = /\b((?:[\w.-]+\/)*[\w.-]+\.py)(?::|", line )(\d+)/g;

type Props = {
  /** Names the file of the download. */
  name: string;
  /** Opens a source file where the line names one; without it, names are no links. */
  onOpen?: ((path: string, line: number) => void) | undefined;
  /** Tells whether a file can be opened. */
  canOpen?: ((path: string) => boolean) | undefined;
  index: number;
  lost: number;
  text: string;
  isChosen: boolean;
};

/** One line of a log, at its place in the scroller. */
export const LogLine = memo(function LogLine({ index, lost, isChosen, ...line }: Props) {
  return (
    <div
      className={classes.line}
      data-chosen={isChosen || undefined}
      style={{ transform: `translateY(${index * rowHeight}px)` }}
    >
      <span className={classes.number}>{index + 1 + lost}</span>
      <Line {...line} />
    </div>
  );
});

function Line({ text, name, onOpen, canOpen }: Pick<Props, "name" | "onOpen" | "canOpen"> & { text: string }) {
  const isCut = text.length > maxShown;
  const parts = ansiParts(isCut ? text.slice(0, 400) : text);
  return (
    <span className={classes.text}>
      {parts.map((part, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: parts of one unchanging line
        <Part key={index} part={part} onOpen={onOpen} canOpen={canOpen} />
      ))}
      {isCut && (
        <button type="button" className={classes.link} onClick={() => download(`${name}.txt`, text)}>
          {t("… {size} in this line, download", { size: bytes(text.length) })}
        </button>
      )}
    </span>
  );
}

function Part({ part, onOpen, canOpen }: Pick<Props, "onOpen" | "canOpen"> & { part: AnsiPart }) {
  const pieces: ReactNode[] = [];
  let from = 0;
  for (const match of onOpen === undefined ? [] : part.text.matchAll(place)) {
    const [whole, path = "", line = "1"] = match;
    if (!canOpen?.(path)) continue;
    pieces.push(part.text.slice(from, match.index));
    pieces.push(
      <button key={match.index} type="button" className={classes.link} onClick={() => onOpen?.(path, Number(line))}>
        {whole}
      </button>,
    );
    from = match.index + whole.length;
  }
  pieces.push(part.text.slice(from));
  return (
    <span
      data-color={part.color ?? undefined}
      data-bold={part.isBold || undefined}
      data-underlined={part.isUnderlined || undefined}
    >
      {pieces}
    </span>
  );
}
