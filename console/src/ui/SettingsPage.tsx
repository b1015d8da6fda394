import { Group, Text, Title } from "@mantine/core";
import { Link, type LinkProps } from "@tanstack/react-router";
import { type ReactElement, type ReactNode, useId } from "react";
import { t } from "@/i18n";
import { Page } from "./Page";
import classes from "./SettingsPage.module.css";

/** One page of the settings, and where it is. */
export type SettingsTab = { title: string; link: LinkProps };

type Props = {
  title: string;
  /** Pages beside this one; without any, the page stands alone. */
  tabs?: readonly SettingsTab[];
  /** The page of the documentation. */
  help: string;
  /** As in `Page`. */
  asCode: ReactElement | null;
  /** At most one is primary. */
  actions?: ReactNode;
  toolbar?: ReactNode;
  children: ReactNode;
};

/** The template of settings: tabs, then sections in one column. */
export function SettingsPage({ title, tabs = [], help, asCode, actions, toolbar, children }: Props) {
  return (
    <Page
      title={title}
      breadcrumb={tabs.length > 0 && <Text c="dimmed">{t("Settings")}</Text>}
      actions={actions}
      help={help}
      asCode={asCode}
      tabs={tabs.length > 0 && <Tabs tabs={tabs} />}
      toolbar={toolbar}
      width="reading"
    >
      <div className={classes.sections}>{children}</div>
    </Page>
  );
}

function Tabs({ tabs }: { tabs: readonly SettingsTab[] }) {
  return (
    <nav aria-label={t("Settings")} className={classes.tabs}>
      {tabs.map(({ title, link }) => (
        <Link key={title} {...link} className={classes.tab}>
          {title}
        </Link>
      ))}
    </nav>
  );
}

type SectionProps = {
  title: string;
  description?: ReactNode;
  actions?: ReactNode;
  children?: ReactNode;
};

/** What belongs together: a heading, what it is about, and the fields. */
export function SettingsSection({ title, description, actions, children }: SectionProps) {
  const id = useId();
  return (
    <section aria-labelledby={id} className={classes.section}>
      <Group justify="space-between" align="flex-start">
        <div>
          <Title order={2} size="h4" id={id}>
            {title}
          </Title>
          {description !== undefined && (
            <Text c="dimmed" size="sm" maw="60ch" component="div">
              {description}
            </Text>
          )}
        </div>
        {actions}
      </Group>
      {children}
    </section>
  );
}
