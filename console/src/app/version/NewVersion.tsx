import { Button, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useEffect } from "react";
import { t } from "@/i18n";
import { useMissingPart } from "./missing-parts";

/** Says over whatever page that there is a newer console; the page stays until its reader wants to reload it. */
export function NewVersion() {
  const missing = useMissingPart();
  useEffect(() => {
    if (missing !== "outdated") return;
    notifications.show({
      id: "new-version",
      title: t("A new version is here"),
      message: <ReloadForIt />,
      autoClose: false,
      role: "alert",
    });
  }, [missing]);
  return null;
}

/** Says what a reload does, and does it. */
export function ReloadForIt() {
  return (
    <>
      <Text size="sm" mb="xs" c="dimmed">
        {t("This page is of an older version, of which the server has no more parts. Drafts are kept over a reload.")}
      </Text>
      <Button size="xs" onClick={() => window.location.reload()}>
        {t("Reload the page")}
      </Button>
    </>
  );
}
