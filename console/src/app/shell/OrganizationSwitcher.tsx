import { Menu, UnstyledButton, VisuallyHidden } from "@mantine/core";
import IconCheck from "@tabler/icons-react/icons/IconCheck";
import IconPlus from "@tabler/icons-react/icons/IconPlus";
import IconSearch from "@tabler/icons-react/icons/IconSearch";
import IconSelector from "@tabler/icons-react/icons/IconSelector";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Suspense, useState } from "react";
import { useApi } from "@/api/context";
import { type Me, nameOfRole, type Organization, organizationsQuery } from "@/features/accounts";
import { t } from "@/i18n";
import { organizationReference } from "@/routing/references";
import { Logo } from "@/ui/Logo";
import { lazyPart } from "@/ui/lazyPart";
import classes from "./OrganizationSwitcher.module.css";

/** Not part of what is loaded first. */
const NewOrganizationModal = lazyPart(async () => (await import("@/features/settings")).NewOrganizationModal);
const AllOrganizations = lazyPart(async () => (await import("./AllOrganizations")).AllOrganizations);

const maxShown = 8;

/** Returns the organizations that the menu shows: this one, and others until there are eight. */
function firstOf(organizations: readonly Organization[], here: number): Organization[] {
  const [shown, rest] = [organizations.slice(0, maxShown), organizations.slice(maxShown)];
  const own = rest.find(({ id }) => id === here);
  return own === undefined ? shown : [own, ...shown.slice(0, maxShown - 1)];
}

/** Names the organization that one is in, and leads to the others. */
export function OrganizationSwitcher({ me }: { me: Me }) {
  const organizations = useQuery(organizationsQuery(useApi())).data ?? [];
  const [isCreating, setCreating] = useState(false);
  const [isSearching, setSearching] = useState(false);
  const first = firstOf(organizations, me.organization.id);
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
          {first.map((organization) => (
            <Menu.Item
              key={organization.id}
              leftSection={
                <IconCheck
                  size={16}
                  aria-hidden
                  visibility={organization.slug === me.organization.slug ? undefined : "hidden"}
                />
              }
              rightSection={<span className={classes.role}>{nameOfRole(organization.role)}</span>}
              renderRoot={(props) => (
                <Link to="/$org" params={{ org: organizationReference(organization) }} {...props} />
              )}
            >
              <bdi>{organization.name}</bdi>
            </Menu.Item>
          ))}
          <Menu.Divider />
          {organizations.length > first.length && (
            <Menu.Item leftSection={<IconSearch size={16} aria-hidden />} onClick={() => setSearching(true)}>
              {t("All organizations …")}
            </Menu.Item>
          )}
          <Menu.Item leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setCreating(true)}>
            {t("New organization")}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {isSearching && (
        <Suspense>
          <AllOrganizations onClose={() => setSearching(false)} />
        </Suspense>
      )}
      {isCreating && (
        <Suspense>
          <NewOrganizationModal onClose={() => setCreating(false)} />
        </Suspense>
      )}
    </>
  );
}
