import { Button } from "@mantine/core";
import IconEye from "@tabler/icons-react/icons/IconEye";
import { useOrganization } from "@/api/context";
import { viewedIn, viewIn } from "@/api/viewing";
import { t } from "@/i18n";
import classes from "./ViewingBanner.module.css";

/** Says above every page that it shows what somebody else sees, and ends that. */
export function ViewingBanner() {
  const org = useOrganization();
  const viewed = viewedIn(org);
  if (viewed === null) return null;
  return (
    <section className={classes.banner} aria-label={t("Viewing as somebody else")}>
      <IconEye size={16} aria-hidden />
      <span>{t("You see what {name} sees. Nothing can be changed meanwhile.", { name: viewed.name })}</span>
      <Button
        size="compact-sm"
        variant="default"
        onClick={() => {
          viewIn(org, null);
          window.location.reload();
        }}
      >
        {t("End viewing")}
      </Button>
    </section>
  );
}
