import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Outlet } from "@tanstack/react-router";
import { Suspense } from "react";
import { ActingIn, useApi } from "@/api/context";
import { ApiError } from "@/api/errors";
import { Commands } from "@/commands/registry";
import { meQuery } from "@/features/accounts";
import { ViewingBanner } from "@/features/viewing";
import { t } from "@/i18n";
import { organizationRoute } from "@/routing/routes";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { HeaderEnd } from "@/ui/header-end";
import { InMain } from "@/ui/in-main";
import { lazyPart } from "@/ui/lazyPart";
import { NoMemberPage, NotHerePage, PendingPage } from "../pages";
import { Palette } from "../palette/Palette";
import { firstScreenQuery } from "./first-screen";
import { Navigation } from "./Navigation";
import { OfflineNote } from "./OfflineNote";
import { useRightsAskedAgain } from "./rights";
import classes from "./Shell.module.css";
import { SignInAgain } from "./SignInAgain";

/** Not part of what is loaded first: it holds what takes long. */
const Tray = lazyPart(async () => (await import("@/features/tray")).Tray);
const TaskNews = lazyPart(async () => (await import("@/features/tray")).TaskNews);
const tray = (
  <Suspense>
    <Tray />
  </Suspense>
);

/** The frame of every page of an organization. Nothing below it is asked for before the organization is known to be open. */
export function Shell() {
  const { org } = organizationRoute.useParams();
  return (
    <ActingIn key={org} organization={org}>
      <ViewingBanner />
      <Gate />
    </ActingIn>
  );
}

function Gate() {
  const api = useApi();
  const first = useQuery(firstScreenQuery(api, useQueryClient()));
  const me = useQuery({ ...meQuery(api), enabled: first.isSuccess });
  const error = me.error ?? first.error;
  useRightsAskedAgain();
  const needsSignIn = <SignInAgain email={me.data?.user.email ?? ""} />;
  // First of all: what was read before is not theirs to see any more.
  if (error instanceof ApiError && [403, 404].includes(error.status)) {
    return me.data ? <NoMemberPage organization={me.data.organization.name} /> : <NotHerePage />;
  }
  if (me.data) {
    return (
      <Commands>
        <div className={classes.shell}>
          <Suspense>
            <TaskNews />
          </Suspense>
          <a href="#content" className={classes.skip}>
            {t("Skip to the content")}
          </a>
          <Navigation me={me.data} />
          <main id="content" className={classes.main} tabIndex={-1}>
            <InMain value={true}>
              <HeaderEnd value={tray}>
                <Outlet />
              </HeaderEnd>
            </InMain>
          </main>
          <Palette />
          <OfflineNote />
          {needsSignIn}
        </div>
      </Commands>
    );
  }
  if (error) {
    return (
      <main className={classes.main}>
        <ErrorPanel error={error} onRetry={() => (first.isSuccess ? me : first).refetch()} />
      </main>
    );
  }
  return (
    <>
      <PendingPage />
      {needsSignIn}
    </>
  );
}
