import { Anchor, Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { t } from "@/i18n";

type Props = { next?: string; label?: string; isQuiet?: boolean };

/** Leads to the sign-in, and from there to `next`. */
export function GoToSignIn({ next = "/", label = t("Sign in"), isQuiet = false }: Props) {
  if (isQuiet) {
    return (
      <Anchor size="sm" renderRoot={(props) => <Link to="/sign-in" search={{ next }} {...props} />}>
        {label}
      </Anchor>
    );
  }
  return <Button renderRoot={(props) => <Link to="/sign-in" search={{ next }} {...props} />}>{label}</Button>;
}
