import { Code, Stack, Text } from "@mantine/core";
import { t } from "@/i18n";

/** Says where the link with the code is. */
export function WhereTheLinkIs() {
  return (
    <Stack gap="xs">
      <Text>
        {t("Nobody has an account here yet. The terminal that started automio printed a link to begin with.")}
      </Text>
      <Text>
        {t("Look there for a line with")} <Code>/set-up?code=…</Code> {t("and open it.")}
      </Text>
      <Text c="dimmed" size="sm">
        {t("Every start prints a new one; the newest works for sure.")}
      </Text>
    </Stack>
  );
}
