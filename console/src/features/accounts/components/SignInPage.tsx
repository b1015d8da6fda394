import { Anchor, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useApi } from "@/api/context";
import { t } from "@/i18n";
import { ownPath } from "@/routing/own-path";
import { OutsideCard } from "@/ui/OutsideCard";
import { setUpQuery } from "../api";
import { SignInForm } from "./SignInForm";

const route = getRouteApi("/outside/sign-in");

/** The page for who is not signed in; goes on to the page that was asked for. */
export function SignInPage() {
  // The router keeps in the address what it does not know, so what is read is looked at again.
  const next = ownPath(route.useSearch().next);
  const navigate = useNavigate();
  const installation = useQuery(setUpQuery(useApi()));
  const goOn = () => {
    // What the server itself serves (GraphiQL, connect forms) is no page of the router.
    if (next.startsWith("/api/") || next.startsWith("/accounts/")) window.location.assign(next);
    else navigate({ href: next, replace: true });
  };
  return (
    <OutsideCard title={t("Sign in")}>
      <Stack gap="md">
        <SignInForm onSignedIn={goOn} />
        {installation.data?.can_send_mail === true && (
          <Anchor size="sm" ta="center" renderRoot={(props) => <Link to="/forgot-password" {...props} />}>
            {t("Forgot your password?")}
          </Anchor>
        )}
        {installation.data?.can_send_mail === false && (
          <Text size="sm" c="dimmed">
            {t(
              "Forgot your password? This installation sends no mail: ask the person who runs it to give you a new one.",
            )}
          </Text>
        )}
      </Stack>
    </OutsideCard>
  );
}
