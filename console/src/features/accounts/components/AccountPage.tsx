import { Button, SegmentedControl, useMantineColorScheme } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Navigate } from "@tanstack/react-router";
import { useApi } from "@/api/context";
import { ApiError } from "@/api/errors";
import { t } from "@/i18n";
import { AsCode } from "@/ui/AsCode";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { OutsidePage } from "@/ui/OutsidePage";
import { LoadingRows } from "@/ui/Page";
import { SettingsPage, SettingsSection } from "@/ui/SettingsPage";
import { meQuery } from "../api";
import { OwnPassword } from "./OwnPassword";
import { OwnProfile } from "./OwnProfile";
import { OwnSignIns } from "./OwnSignIns";
import { useSignOut } from "./useSignOut";

/** What belongs to a person and to no organization. */
export function AccountPage() {
  const api = useApi();
  const me = useQuery({ ...meQuery(api), retry: false });
  const leaving = useSignOut(me.data?.user.id);
  if (me.error instanceof ApiError && me.error.status === 401)
    return <Navigate to="/sign-in" search={{ next: "/account" }} replace />;
  // Somebody without any organization still has sign-ins to look after.
  const isAlone = me.error instanceof ApiError && me.error.code === "no_organization";
  return (
    <OutsidePage
      actions={
        <Button variant="default" loading={leaving.isPending} onClick={() => void leaving.begin()}>
          {t("Sign out")}
        </Button>
      }
    >
      <SettingsPage title={t("Your account")} help="/help/reference/accounts" asCode={<AsCode reads="/api/me/" />}>
        {leaving.error && <ErrorPanel error={leaving.error} />}
        {leaving.dialog}
        {me.isPending && <LoadingRows />}
        {me.error && !isAlone && <ErrorPanel error={me.error} onRetry={() => me.refetch()} />}
        {me.data && <OwnProfile me={me.data} />}
        {me.data && <OwnPassword email={me.data.user.email} />}
        {(me.data || isAlone) && <OwnSignIns />}
        <Colours />
      </SettingsPage>
    </OutsidePage>
  );
}

const schemes = ["light", "dark", "auto"] as const;

function Colours() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const names = { light: t("Light"), dark: t("Dark"), auto: t("As the system") };
  return (
    <SettingsSection title={t("Colours")} description={t("Kept in this browser.")}>
      <div>
        <SegmentedControl
          aria-label={t("Colours")}
          value={colorScheme}
          data={schemes.map((value) => ({ value, label: names[value] }))}
          onChange={setColorScheme}
        />
      </div>
    </SettingsSection>
  );
}
