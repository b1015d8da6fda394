import { Burger, Drawer, ScrollArea, VisuallyHidden } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, useLocation, useMatchRoute, useNavigate, useParams } from "@tanstack/react-router";
import { Suspense, useMemo, useState } from "react";
import { useApi } from "@/api/context";
import { type Command, useCommands } from "@/commands/registry";
import type { Me } from "@/features/accounts";
import { badge, unreadQuery, useLiveInbox } from "@/features/inbox";
import { t } from "@/i18n";
import { organizationReference } from "@/routing/references";
import { Logo } from "@/ui/Logo";
import { lazyPart } from "@/ui/lazyPart";
import { AccountMenu } from "./AccountMenu";
import classes from "./Navigation.module.css";
import { OrganizationSwitcher } from "./OrganizationSwitcher";
import { appPlaces, lastPlaces, organizationPlaces } from "./places";

/** Not part of what is loaded first. */
const TableTree = lazyPart(async () => (await import("@/features/tables")).TableTree);

/** The way to every screen, at the left; below 768 px a drawer. */
export function Navigation({ me }: { me: Me }) {
  const isNarrow = useMediaQuery("(max-width: 48em)", false, { getInitialValueInEffect: false });
  const path = useLocation({ select: (location) => location.pathname });
  // Open at one page: going to another closes it.
  const [openAt, setOpenAt] = useState<string | null>(null);
  const isOpen = openAt === path;
  useLiveInbox();
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
  const navigate = useNavigate();
  const org = organizationReference(me.organization);
  const { app } = useParams({ strict: false });
  const places = useMemo(() => organizationPlaces(org), [org]);
  const last = useMemo(() => lastPlaces(org), [org]);
  const inside = useMemo(() => (app === undefined ? [] : appPlaces(org, app)), [org, app]);
  const commands = useMemo<Command[]>(
    () =>
      [...places, ...inside, ...last].map(({ title, letter, link }) => ({
        id: `go ${letter}`,
        title,
        group: t("Go to"),
        keys: `g ${letter}`,
        run: () => navigate(link),
      })),
    [places, inside, last, navigate],
  );
  useCommands(commands);
  return (
    <>
      <OrganizationSwitcher me={me} />
      <ScrollArea className={classes.places} type="auto">
        <PlaceList places={places} />
        {app !== undefined && (
          <h2 className={classes.heading}>
            <bdi>{app}</bdi>
          </h2>
        )}
        <PlaceList places={inside} />
      </ScrollArea>
      <div className={classes.last}>
        <PlaceList places={last} />
      </div>
      <AccountMenu me={me} />
    </>
  );
}

function Unread() {
  const count = useQuery(unreadQuery(useApi())).data ?? 0;
  return (
    <span role="status">
      {count > 0 && (
        <span className={classes.badge}>
          {badge(count)} <VisuallyHidden>{t("unread")}</VisuallyHidden>
        </span>
      )}
    </span>
  );
}

type Place =
  | ReturnType<typeof organizationPlaces>[number]
  | ReturnType<typeof appPlaces>[number]
  | ReturnType<typeof lastPlaces>[number];

function PlaceList({ places }: { places: readonly Place[] }) {
  const isAmongTables = useMatchRoute()({ to: "/$org/$app/tables", fuzzy: true }) !== false;
  return (
    <ul className={classes.list}>
      {places.map(({ title, icon: Icon, link }) => (
        <li key={title} className={classes.place}>
          <Icon size={18} aria-hidden />
          <Link {...link}>{title}</Link>
          {link.to === "/$org/inbox" && <Unread />}
          {link.to === "/$org/$app/tables" && isAmongTables && (
            <Suspense>
              <TableTree app={link.params.app} />
            </Suspense>
          )}
        </li>
      ))}
    </ul>
  );
}
