import { ActionIcon, Group, Skeleton, Title, Tooltip } from "@mantine/core";
import IconHelp from "@tabler/icons-react/icons/IconHelp";
import { type ReactElement, type ReactNode, use, useEffect, useRef } from "react";
import { t } from "@/i18n";
import { HeaderEnd } from "./header-end";
import classes from "./Page.module.css";

type PageProps = {
  title: string;
  /** Before the title: the way up. */
  breadcrumb?: ReactNode;
  /** After the title: state, presence. */
  state?: ReactNode;
  /** At the right: what can be done here; at most one is primary. */
  actions?: ReactNode;
  tabs?: ReactNode;
  toolbar?: ReactNode;
  /** The page of the documentation about this screen: `/help/…`. */
  help: string;
  /** `<AsCode …>`, how a program does what is done here by hand; null where it stands elsewhere on the screen. */
  asCode: ReactElement | null;
  width?: "full" | "reading";
  children: ReactNode;
};

/** The frame of every screen: title, actions, tabs, toolbar, one scroller. Focus goes to the title of a new page. */
export function Page(props: PageProps) {
  const { title, breadcrumb, state, actions, tabs, toolbar, help, asCode, width = "full", children } = props;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · automio`;
  }, [title]);
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <div className={classes.page}>
      <header className={classes.header}>
        {breadcrumb}
        <Title ref={heading} order={1} className={classes.title} tabIndex={-1}>
          {title}
        </Title>
        {state}
        <Group gap="xs" className={classes.actions}>
          {asCode}
          {actions}
          <HeaderTools help={help} />
        </Group>
      </header>
      {tabs}
      {toolbar !== undefined && <div className={classes.toolbar}>{toolbar}</div>}
      <div className={classes.content} data-width={width}>
        {children}
      </div>
    </div>
  );
}

/** Stands where a list will be, with its size. */
export function LoadingRows({ count = 6 }: { count?: number }) {
  return (
    <div aria-busy="true" aria-label={t("Loading")} role="status" className={classes.loading}>
      {Array.from({ length: count }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: all alike
        <Skeleton key={index} height={34} radius="sm" />
      ))}
    </div>
  );
}

/** What every frame of a screen has at the top right: its documentation, and what the shell puts there. */
export function HeaderTools({ help }: { help: string }) {
  return (
    <>
      <HelpLink page={help} />
      {use(HeaderEnd)}
    </>
  );
}

/** Leads to the page of the documentation about a screen, or about a part of one. */
export function HelpLink({ page }: { page: string }) {
  return (
    <Tooltip label={t("Documentation of this screen")}>
      <ActionIcon
        component="a"
        href={page}
        target="_blank"
        rel="noreferrer"
        variant="subtle"
        color="gray"
        aria-label={t("Documentation of this screen")}
      >
        <IconHelp size={18} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
}
