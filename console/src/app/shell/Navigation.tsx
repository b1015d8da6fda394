import { Burger, Drawer, ScrollArea } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import IconHome from "@tabler/icons-react/icons/IconHome";
import IconLayoutDashboard from "@tabler/icons-react/icons/IconLayoutDashboard";
import IconTable from "@tabler/icons-react/icons/IconTable";
import { Link, useLocation, useParams } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import type { Me } from "@/features/accounts";
import { t } from "@/i18n";
import { Logo } from "@/ui/Logo";
import { AccountMenu } from "./AccountMenu";
import classes from "./Navigation.module.css";
import { OrganizationSwitcher } from "./OrganizationSwitcher";

/** The way to every screen, at the left; below 768 px a drawer. */
export function Navigation({ me }: { me: Me }) {
  const isNarrow = useMediaQuery("(max-width: 48em)", false, { getInitialValueInEffect: false });
  const path = useLocation({ select: (location) => location.pathname });
  // Open at one page: going to another closes it.
  const [openAt, setOpenAt] = useState<string | null>(null);
  const isOpen = openAt === path;
  if (!isNarrow) {
    return (
      <nav className={classes.navigation} aria-label={t("Main")}>
        <Places me={me} />
      </nav>
    );
  }
  return (
    <header className={classes.bar}>
      <Burger
        opened={isOpen}
        onClick={() => setOpenAt(isOpen ? null : path)}
        size="sm"
        aria-label={t("Open the navigation")}
      />
      <Logo />
      <Drawer opened={isOpen} onClose={() => setOpenAt(null)} title={t("Navigation")} size="xs">
        <nav aria-label={t("Main")} className={classes.drawer}>
          <Places me={me} />
        </nav>
      </Drawer>
    </header>
  );
}

function Places({ me }: { me: Me }) {
  const org = me.organization.slug;
  const { app } = useParams({ strict: false });
  return (
    <>
      <OrganizationSwitcher me={me} />
      <ScrollArea className={classes.places} type="auto">
        <ul className={classes.list}>
          <Place icon={<IconHome size={18} aria-hidden />}>
            <Link to="/$org" params={{ org }} activeOptions={{ exact: true }}>
              {t("Home")}
            </Link>
          </Place>
        </ul>
        {app !== undefined && (
          <>
            <h2 className={classes.heading}>
              <bdi>{app}</bdi>
            </h2>
            <ul className={classes.list}>
              <Place icon={<IconLayoutDashboard size={18} aria-hidden />}>
                <Link to="/$org/$app" params={{ org, app }} activeOptions={{ exact: true }}>
                  {t("Overview")}
                </Link>
              </Place>
              <Place icon={<IconTable size={18} aria-hidden />}>
                <Link to="/$org/$app/tables" params={{ org, app }}>
                  {t("Tables")}
                </Link>
              </Place>
            </ul>
          </>
        )}
      </ScrollArea>
      <AccountMenu me={me} />
    </>
  );
}

function Place({ icon, children }: { icon: ReactNode; children: ReactNode }) {
  return (
    <li className={classes.place}>
      {icon}
      {children}
    </li>
  );
}
