import { Paper, Title } from "@mantine/core";
import { type ReactNode, useContext, useEffect } from "react";
import { InMain } from "./in-main";
import { Logo } from "./Logo";
import classes from "./OutsideCard.module.css";

/** The frame of pages for who is not signed in. */
export function OutsideCard({ title, children, wide = false }: { title: string; children: ReactNode; wide?: boolean }) {
  useEffect(() => {
    document.title = `${title} · automio`;
  }, [title]);
  const Frame = useContext(InMain) ? "div" : "main";
  return (
    <Frame className={classes.page}>
      <Logo />
      <Paper withBorder radius="md" className={classes.card} data-wide={wide || undefined}>
        <Title order={1} size="h3" mb="md">
          {title}
        </Title>
        {children}
      </Paper>
    </Frame>
  );
}
