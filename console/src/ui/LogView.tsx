import { ActionIcon, Button, Group, Text, TextInput } from "@mantine/core";
import IconChevronDown from "@tabler/icons-react/icons/IconChevronDown";
import IconChevronUp from "@tabler/icons-react/icons/IconChevronUp";
import IconDownload from "@tabler/icons-react/icons/IconDownload";
import IconSearch from "@tabler/icons-react/icons/IconSearch";
import {
  type ReactNode,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { t } from "@/i18n";
import { download } from "./download";
import { LogLine, rowHeight } from "./LogLine";
import classes from "./LogView.module.css";
import type { LogBuffer } from "./log-buffer";
import { number } from "./time";

/** More lines than any screen has. */
const maxOnScreen = 1024;
/** Rows that are drawn above and below what is seen, for whoever scrolls. */
const overscan = 8;

type Props = {
  log: LogBuffer;
  label: string;
  /** Names the file of the download. */
  name: string;
  /** Before the search: state, progress. */
  state?: ReactNode;
  /** Opens a source file where the log names one; without it, names are no links. */
  onOpen?: ((path: string, line: number) => void) | undefined;
  /** Tells whether a file can be opened. */
  canOpen?: ((path: string) => boolean) | undefined;
  /** Shows the first error, once it is there, instead of the end. */
  landsAtFault?: boolean;
};

/** Shows a log of any length: only what is on the screen is made; it follows the end until one scrolls up. */
export function LogView({ log, label, name, state, onOpen, canOpen, landsAtFault = false }: Props) {
  const version = useSyncExternalStore(log.subscribe, log.read);
  const scroller = useRef<HTMLDivElement>(null);
  const lastTop = useRef(0);
  const isTouched = useRef(false);
  const opening = useRef(onOpen);
  opening.current = onOpen;
  const open = useCallback((path: string, line: number) => opening.current?.(path, line), []);
  const [follows, setFollowsShown] = useState(true);
  // A scroll may be told before React has drawn what caused it.
  const isFollowing = useRef(true);
  const setFollows = (next: boolean) => {
    isFollowing.current = next;
    setFollowsShown(next);
  };
  const [search, setSearch] = useState("");
  const [chosen, setChosen] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the log changes with its version
  const found = useMemo(() => log.find(search), [log, search, version]);
  const [first, setFirst] = useState(0);
  const [height, setHeight] = useState(0);
  const visible = Math.ceil(height / rowHeight) + 1;
  const from = Math.max(0, (follows ? log.length - visible : first) - overscan);
  const to = Math.min(log.length, follows ? log.length : first + visible + overscan);
  const toEnd = () => {
    if (scroller.current !== null) scroller.current.scrollTop = log.length * rowHeight;
  };
  // The rows at the end are drawn already: the scrolling that this causes draws nothing again.
  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines move the end, and so does another height
  useLayoutEffect(() => {
    if (isFollowing.current) toEnd();
  }, [follows, log.length, height]);
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const measured = new ResizeObserver(() => setHeight(element.clientHeight));
    measured.observe(element);
    return () => measured.disconnect();
  }, []);
  const show = (row: number) => {
    setFollows(false);
    isTouched.current = false;
    const element = scroller.current;
    if (element === null) return;
    element.scrollTop = row * rowHeight - element.clientHeight / 2;
    setFirst(Math.floor(element.scrollTop / rowHeight));
  };
  const goTo = (index: number) => {
    const at = ((index % found.length) + found.length) % found.length;
    setChosen(at);
    const row = found[at];
    if (row !== undefined) show(row);
  };
  const fault = landsAtFault ? log.firstFault() : null;
  const hasLanded = useRef(false);
  useEffect(() => {
    if (fault === null || hasLanded.current) return;
    hasLanded.current = true;
    show(fault);
  });
  const onScroll = () => {
    const element = scroller.current;
    if (element === null) return;
    const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < rowHeight * 2;
    // Lines that came since the last scroll move the end away; only a person scrolls up.
    // Nor does a line that is shown for itself begin to follow, because it is the last at the moment.
    if (isTouched.current && isAtEnd) setFollows(true);
    else if (isTouched.current && element.scrollTop < lastTop.current) setFollows(false);
    else if (isFollowing.current) toEnd();
    lastTop.current = element.scrollTop;
    // At the end, what is drawn follows from the log's length; its scrolling by itself draws nothing.
    if (!isFollowing.current || isTouched.current) setFirst(Math.floor(element.scrollTop / rowHeight));
  };
  const touch = () => {
    isTouched.current = true;
  };
  const marked = found[chosen];
  return (
    <div className={classes.view}>
      <Group gap="xs" className={classes.bar} wrap="nowrap">
        {state}
        <TextInput
          size="xs"
          aria-label={t("Search the log")}
          placeholder={t("Search")}
          leftSection={<IconSearch size={14} aria-hidden />}
          value={search}
          onChange={(event) => {
            setSearch(event.currentTarget.value);
            setChosen(0);
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter" && found.length > 0) goTo(event.shiftKey ? chosen - 1 : chosen + 1);
          }}
          className={classes.search}
        />
        {search !== "" && (
          <>
            <Text size="xs" c="dimmed" role="status" className={classes.count}>
              {found.length === 0 ? t("none") : `${number(chosen + 1)}/${number(found.length)}`}
            </Text>
            <ActionIcon
              size="sm"
              variant="subtle"
              aria-label={t("Previous match")}
              disabled={found.length === 0}
              onClick={() => goTo(chosen - 1)}
            >
              <IconChevronUp size={16} aria-hidden />
            </ActionIcon>
            <ActionIcon
              size="sm"
              variant="subtle"
              aria-label={t("Next match")}
              disabled={found.length === 0}
              onClick={() => goTo(chosen + 1)}
            >
              <IconChevronDown size={16} aria-hidden />
            </ActionIcon>
          </>
        )}
        <Text size="xs" c="dimmed" className={classes.count}>
          {t("{count, plural, one {# line} other {# lines}}", { count: log.length + log.lost })}
        </Text>
        <Button
          size="compact-xs"
          variant="default"
          onClick={() => {
            const row = log.firstFault();
            if (row !== null) show(row);
          }}
          disabled={log.firstFault() === null}
          data-first-error
        >
          {t("First error")}
        </Button>
        <Button
          size="compact-xs"
          variant={follows ? "light" : "default"}
          aria-pressed={follows}
          onClick={() => {
            setFirst(from + overscan);
            setFollows(!follows);
          }}
        >
          {t("Follow")}
        </Button>
        <ActionIcon
          size="sm"
          variant="subtle"
          aria-label={t("Download the log")}
          onClick={() => download(`${name}.log`, log.all())}
        >
          <IconDownload size={16} aria-hidden />
        </ActionIcon>
      </Group>
      {log.lost > 0 && (
        <Text size="xs" className={classes.lost}>
          {t("The first {count} lines are not kept in this view.", { count: number(log.lost) })}
        </Text>
      )}
      <section
        ref={scroller}
        className={classes.scroller}
        aria-label={label}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scroller that the keyboard must reach
        tabIndex={0}
        onScroll={onScroll}
        onWheel={touch}
        onKeyDown={touch}
        onPointerDown={touch}
        onTouchMove={touch}
      >
        <div className={classes.lines} style={{ height: `${log.length * rowHeight}px` }}>
          {Array.from({ length: Math.max(0, to - from) }, (_, offset) => from + offset).map((index) => (
            <LogLine
              // A place on the screen, not a line: a log that runs changes texts and makes no elements.
              key={index % maxOnScreen}
              index={index}
              lost={log.lost}
              text={log.at(index)}
              isChosen={search === "" ? index === fault : index === marked}
              name={name}
              onOpen={onOpen === undefined ? undefined : open}
              canOpen={canOpen}
            />
          ))}
        </div>
      </section>
    </div>
  );
}
