import { Group, Title } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { type KeyboardEvent, type PointerEvent, type ReactElement, type ReactNode, useEffect, useRef } from "react";
import { t } from "@/i18n";
import { HeaderTools } from "./Page";
import pageClasses from "./Page.module.css";
import classes from "./Workbench.module.css";

type Sizes = { side: number; inspector: number; panel: number };
type WorkbenchProps = {
  /** Names the screen where sizes are remembered. */
  name: string;
  title: string;
  breadcrumb?: ReactNode;
  state?: ReactNode;
  actions?: ReactNode;
  tabs?: ReactNode;
  /** The page of the documentation about this screen: `/help/…`. */
  help: string;
  /** As in `Page`. */
  asCode: ReactElement | null;
  side: ReactNode;
  inspector?: ReactNode;
  panel?: ReactNode;
  children: ReactNode;
};

const start: Sizes = { side: 208, inspector: 304, panel: 240 };
const limits: Record<keyof Sizes, readonly [number, number]> = {
  side: [140, 420],
  inspector: [220, 560],
  panel: [100, 560],
};

/** The template of screens where one works on one thing: what there is, the thing itself, its form, and a panel below. */
export function Workbench(props: WorkbenchProps) {
  const { name, title, breadcrumb, state, actions, tabs, help, asCode, side, inspector, panel, children } = props;
  const [sizes, setSizes] = useLocalStorage<Sizes>({ key: `automio.sizes.${name}`, defaultValue: start });
  const heading = useRef<HTMLHeadingElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    document.title = `${title} · automio`;
  }, [title]);
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
  }, []);
  useEffect(() => {
    for (const [part, size] of Object.entries(sizes)) frame.current?.style.setProperty(`--am-${part}`, `${size}px`);
  }, [sizes]);
  const resize = (part: keyof Sizes, size: number) => {
    const [min, max] = limits[part];
    setSizes((before) => ({ ...before, [part]: Math.min(max, Math.max(min, size)) }));
  };
  return (
    <div className={pageClasses.page} ref={frame}>
      <header className={pageClasses.header}>
        {breadcrumb}
        <Title ref={heading} order={1} className={pageClasses.title} tabIndex={-1}>
          {title}
        </Title>
        {state}
        <Group gap="xs" className={pageClasses.actions}>
          {asCode}
          {actions}
          <HeaderTools help={help} />
        </Group>
      </header>
      {tabs}
      <div className={classes.columns}>
        <div className={classes.side}>{side}</div>
        <Divider label={t("Width of the files")} part="side" sizes={sizes} onResize={resize} sign={1} />
        <div className={classes.middle}>{children}</div>
        {inspector !== undefined && (
          <>
            <Divider label={t("Width of the form")} part="inspector" sizes={sizes} onResize={resize} sign={-1} />
            <div className={classes.inspector}>{inspector}</div>
          </>
        )}
      </div>
      {panel !== undefined && (
        <>
          <Divider label={t("Height of the panel")} part="panel" sizes={sizes} onResize={resize} sign={-1} />
          <div className={classes.panel}>{panel}</div>
        </>
      )}
    </div>
  );
}

type DividerProps = {
  label: string;
  part: keyof Sizes;
  sizes: Sizes;
  onResize: (part: keyof Sizes, size: number) => void;
  sign: 1 | -1;
};

/** A line between two parts that the pointer drags and the arrow keys move. */
function Divider({ label, part, sizes, onResize, sign }: DividerProps) {
  const isRow = part === "panel";
  const at = (event: PointerEvent) => (isRow ? event.clientY : event.clientX);
  const begun = useRef<{ at: number; size: number } | null>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowRight: 16, ArrowDown: 16, ArrowLeft: -16, ArrowUp: -16 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    onResize(part, sizes[part] + step * sign);
  };
  const [min, max] = limits[part];
  return (
    // biome-ignore lint/a11y/useSemanticElements: a separator that moves is no <hr>
    <div
      role="separator"
      aria-label={label}
      aria-orientation={isRow ? "horizontal" : "vertical"}
      aria-valuenow={sizes[part]}
      aria-valuemin={min}
      aria-valuemax={max}
      tabIndex={0}
      className={classes.divider}
      data-row={isRow || undefined}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        begun.current = { at: at(event), size: sizes[part] };
      }}
      onPointerMove={(event) => {
        if (begun.current !== null) onResize(part, begun.current.size + (at(event) - begun.current.at) * sign);
      }}
      onPointerUp={() => {
        begun.current = null;
      }}
    />
  );
}
