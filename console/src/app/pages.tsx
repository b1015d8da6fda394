import { Anchor, Button, Group, Loader, Text } from "@mantine/core";
import type { ErrorComponentProps } from "@tanstack/react-router";
import { NetworkError } from "@/api/errors";
import { t } from "@/i18n";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { OutsideCard } from "@/ui/OutsideCard";
import classes from "./pages.module.css";
import { useMissingPart } from "./version/missing-parts";
import { ReloadForIt } from "./version/NewVersion";

/** For what does not exist and what belongs to somebody else: the two look the same. */
export function NotHerePage() {
  return (
    <OutsideCard title={t("Not here, or not yours")}>
      <Text mb="md">
        {t(
          "There is nothing at this address that you may see. It may have been deleted or renamed, or it belongs to an organization that you are not a member of.",
        )}
      </Text>
      <Group>
        <Anchor href="/">{t("Go to your organization")}</Anchor>
      </Group>
    </OutsideCard>
  );
}

/** For who was removed while the page was open. Leaving it loads a new document: nothing read before stays in memory. */
export function NoMemberPage({ organization }: { organization: string }) {
  return (
    <OutsideCard title={t("You are no member any more")}>
      <Text mb="md" role="alert">
        {t("Your membership of {organization} has ended. Ask one of its owners if you think that this is wrong.", {
          organization,
        })}
      </Text>
      <Anchor href="/">{t("Go to your organization")}</Anchor>
    </OutsideCard>
  );
}

/** For a fault of the console itself, and a part of it that is missing. Drafts are stored: a reload loses none. */
export function CrashPage({ error }: ErrorComponentProps) {
  const missing = useMissingPart();
  if (missing === "outdated") {
    return (
      <OutsideCard title={t("A new version is here")}>
        <ReloadForIt />
      </OutsideCard>
    );
  }
  return (
    <OutsideCard title={t("This page stopped working")} wide>
      <ErrorPanel error={missing === "unreachable" ? new NetworkError("no answer") : error} />
      <Button mt="md" onClick={() => window.location.reload()}>
        {t("Reload the page")}
      </Button>
    </OutsideCard>
  );
}

export function PendingPage() {
  return (
    <div className={classes.pending} role="status" aria-label={t("Loading")}>
      <Loader size="sm" />
    </div>
  );
}
