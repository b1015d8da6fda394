import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { t } from "@/i18n";
import { ownPath } from "@/routing/own-path";
import { OutsideCard } from "@/ui/OutsideCard";
import { SignInForm } from "./SignInForm";

const route = getRouteApi("/outside/sign-in");

/** The page for who is not signed in; goes on to the page that was asked for. */
export function SignInPage() {
  // The router keeps in the address what it does not know, so what is read is looked at again.
  const next = ownPath(route.useSearch().next);
  const navigate = useNavigate();
  const goOn = () => {
    // What the server itself serves (GraphiQL, connect forms) is no page of the router.
    if (next.startsWith("/api/") || next.startsWith("/accounts/")) window.location.assign(next);
    else navigate({ href: next, replace: true });
  };
  return (
    <OutsideCard title={t("Sign in")}>
      <SignInForm onSignedIn={goOn} />
    </OutsideCard>
  );
}
