import { Menu, UnstyledButton, VisuallyHidden } from "@mantine/core";
import IconCheck from "@tabler/icons-react/icons/IconCheck";
import IconPlus from "@tabler/icons-react/icons/IconPlus";
import IconSelector from "@tabler/icons-react/icons/IconSelector";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { useApi } from "@/api/context";
import { type Me, organizationsQuery } from "@/features/accounts";
import { t } from "@/i18n";
import { organizationReference } from "@/routing/references";
import { Logo } from "@/ui/Logo";
import classes from "./OrganizationSwitcher.module.css";

/** Not part of what is loaded first. */
const NewOrganizationModal = lazy(async () => {
  const { NewOrganizationModal: Loaded } = await import("@/features/settings");
  return { default: Loaded };
});

/** Names the organization that one is in, and leads to the others. */
export function OrganizationSwitcher({ me }: { me: Me }) {
  const organizations = useQuery(organizationsQuery(useApi()));
  const [isCreating, setCreating] = useState(false);
  return (
    <>
      <Menu position="bottom-start" width={260} withinPortal={false}>
        <Menu.Target>
          <UnstyledButton className={classes.button}>
            <Logo onlyMark />
            <VisuallyHidden>{t("Switch organization, now")}</VisuallyHidden>
            <bdi className={classes.name}>{me.organization.name}</bdi>
            <IconSelector size={16} aria-hidden />
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{t("Organizations")}</Menu.Label>
          {organizations.data?.map((organization) => (
            <Menu.Item
              key={organization.id}
              leftSection={
                <IconCheck
                  size={16}
                  aria-hidden
                  visibility={organization.slug === me.organization.slug ? undefined : "hidden"}
                />
              }
              rightSection={<span className={classes.role}>{organization.role}</span>}
              renderRoot={(props) => (
                <Link to="/$org" params={{ org: organizationReference(organization) }} {...props} />
              )}
            >
              <bdi>{organization.name}</bdi>
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setCreating(true)}>
            {t("New organization")}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {isCreating && (
        <Suspense>
          <NewOrganizationModal onClose={() => setCreating(false)} />
        </Suspense>
      )}
    </>
  );
}
