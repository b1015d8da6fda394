import { Button, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, Navigate } from "@tanstack/react-router";
import { Suspense, useState } from "react";
import { useApi } from "@/api/context";
import { ApiError } from "@/api/errors";
import { meQuery, setUpQuery, WhereTheLinkIs } from "@/features/accounts";
import { t } from "@/i18n";
import { organizationReference } from "@/routing/references";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { lazyPart } from "@/ui/lazyPart";
import { OutsideCard } from "@/ui/OutsideCard";
import { PendingPage } from "./pages";

/** Not part of what is loaded first. */
const NewOrganizationModal = lazyPart(async () => (await import("@/features/settings")).NewOrganizationModal);

/** Leads from `/` to the organization of who is signed in, else to the sign-in or to how a fresh installation begins. */
export function StartPage() {
  const api = useApi();
  const me = useQuery({ ...meQuery(api), retry: false });
  const [isCreating, setCreating] = useState(false);
  const code = me.error instanceof ApiError ? me.error.code : null;
  const isSignedOut = me.error instanceof ApiError && me.error.status === 401;
  const installation = useQuery({ ...setUpQuery(api), enabled: isSignedOut });
  if (me.data) return <Navigate to="/$org" params={{ org: organizationReference(me.data.organization) }} replace />;
  if (isSignedOut) {
    if (installation.data?.is_needed === true) {
      return (
        <OutsideCard title={t("Set up automio")}>
          <WhereTheLinkIs />
        </OutsideCard>
      );
    }
    if (installation.isPending) return <PendingPage />;
    return <Navigate to="/sign-in" replace />;
  }
  if (code === "no_organization") {
    return (
      <OutsideCard title={t("You are in no organization")}>
        <Stack gap="md">
          <Text>
            {t(
              "Ask an owner of the organization that you want to work in for an invitation, or begin one of your own.",
            )}
          </Text>
          <Group>
            <Button onClick={() => setCreating(true)}>{t("New organization")}</Button>
            <Button variant="default" renderRoot={(props) => <Link to="/account" {...props} />}>
              {t("Your account")}
            </Button>
          </Group>
        </Stack>
        {isCreating && (
          <Suspense>
            <NewOrganizationModal onClose={() => setCreating(false)} />
          </Suspense>
        )}
      </OutsideCard>
    );
  }
  if (me.error) {
    return (
      <OutsideCard title={t("automio")} wide>
        <ErrorPanel error={me.error} onRetry={() => me.refetch()} />
      </OutsideCard>
    );
  }
  return <PendingPage />;
}
