import { Anchor, Modal, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useApi } from "@/api/context";
import { nameOfRole, organizationSearchQuery } from "@/features/accounts";
import { t } from "@/i18n";
import { organizationReference } from "@/routing/references";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows } from "@/ui/Page";
import { SearchInput } from "@/ui/SearchInput";
import classes from "./OrganizationSwitcher.module.css";

/** Finds one of one's organizations by its name; the server searches, however many there are. */
export function AllOrganizations({ onClose }: { onClose: () => void }) {
  const [search, setSearch] = useState("");
  const found = useQuery(organizationSearchQuery(useApi(), search));
  return (
    <Modal opened onClose={onClose} title={t("Organizations")}>
      <Stack gap="sm">
        <SearchInput label={t("Search organizations")} value={search} onSearch={setSearch} />
        {found.isPending && <LoadingRows count={3} />}
        {found.error && <ErrorPanel error={found.error} onRetry={() => found.refetch()} />}
        {found.data?.length === 0 && (
          <Text c="dimmed">{t("None of your organizations is named “{search}”.", { search })}</Text>
        )}
        <ul className={classes.all} aria-label={t("Found organizations")}>
          {found.data?.map((organization) => (
            <li key={organization.id}>
              <Anchor
                onClick={onClose}
                renderRoot={(props) => (
                  <Link to="/$org" params={{ org: organizationReference(organization) }} {...props} />
                )}
              >
                <bdi>{organization.name}</bdi>
              </Anchor>
              <span className={classes.role}>{nameOfRole(organization.role)}</span>
            </li>
          ))}
        </ul>
      </Stack>
    </Modal>
  );
}
