import { Button, Group, Switch } from "@mantine/core";
import IconPlus from "@tabler/icons-react/icons/IconPlus";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { meQuery } from "@/features/accounts";
import { t } from "@/i18n";
import { AsCode } from "@/ui/AsCode";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { MoreButton } from "@/ui/MoreButton";
import { LoadingRows } from "@/ui/Page";
import { SearchInput } from "@/ui/SearchInput";
import { SettingsPage } from "@/ui/SettingsPage";
import { tokensQuery } from "../api";
import { useSettingsTabs } from "../model/tabs";
import { endOf } from "../model/tokens";
import { NewTokenModal } from "./NewTokenModal";
import { TokenTable } from "./TokenTable";

const route = getRouteApi("/$org/settings/tokens");

/** The tokens with which programs work in the organization. */
export function TokensPage() {
  const api = useApi();
  const org = useOrganization();
  const navigate = useNavigate();
  const { q = "" } = route.useSearch();
  const me = useQuery(meQuery(api)).data;
  const tabs = useSettingsTabs();
  const tokens = useInfiniteQuery(tokensQuery(api, org, q));
  const [showsEnded, setShowsEnded] = useState(false);
  const [isCreating, setCreating] = useState(false);
  if (me === undefined) return null;
  const search = (text: string) =>
    navigate({ to: "/$org/settings/tokens", params: { org }, search: text === "" ? {} : { q: text }, replace: true });
  const here = (tokens.data?.pages ?? []).flatMap((page) => page.results);
  const shown = showsEnded ? here : here.filter((token) => endOf(token, tokens.dataUpdatedAt) === null);
  const isEmpty = tokens.data !== undefined && shown.length === 0 && !tokens.hasNextPage;
  const newToken = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setCreating(true)}>
      {t("New token")}
    </Button>
  );
  return (
    <SettingsPage
      title={t("Tokens")}
      tabs={tabs}
      help="/help/reference/accounts"
      asCode={<AsCode reads="/api/tokens/" />}
      actions={newToken}
      toolbar={
        <Group gap="md">
          <SearchInput label={t("Search tokens")} value={q} onSearch={search} />
          <Switch
            label={t("Also those that work no more")}
            checked={showsEnded}
            onChange={(event) => setShowsEnded(event.currentTarget.checked)}
          />
        </Group>
      }
    >
      {tokens.isPending && <LoadingRows />}
      {tokens.error && <ErrorPanel error={tokens.error} onRetry={() => tokens.refetch()} />}
      {isEmpty && q !== "" && (
        <EmptyState
          title={t("No token matches “{search}”", { search: q })}
          action={
            <Button variant="default" onClick={() => search("")}>
              {t("Clear the search")}
            </Button>
          }
        />
      )}
      {isEmpty && q === "" && (
        <EmptyState
          title={t("No tokens yet")}
          action={<Button onClick={() => setCreating(true)}>{t("New token")}</Button>}
        >
          {t("With a token, a script or another program works in this organization in your name, as far as you allow.")}
        </EmptyState>
      )}
      {shown.length > 0 && <TokenTable tokens={shown} me={me} now={tokens.dataUpdatedAt} />}
      <MoreButton list={tokens} />
      {isCreating && <NewTokenModal organization={me.organization} onClose={() => setCreating(false)} />}
    </SettingsPage>
  );
}
