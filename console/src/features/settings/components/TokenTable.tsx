import { Badge, Button, Code, Table, Text } from "@mantine/core";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import type { Me } from "@/features/accounts";
import { appsQuery } from "@/features/apps";
import { t } from "@/i18n";
import { ConfirmModal } from "@/ui/ConfirmModal";
import { Time } from "@/ui/Time";
import { membersQuery, revokeToken, type Token } from "../api";
import { endOf } from "../model/tokens";
import classes from "./Settings.module.css";

/** Tokens, whose they are, what they may do and until when. */
export function TokenTable({ tokens, me, now }: { tokens: readonly Token[]; me: Me; now: number }) {
  const api = useApi();
  const org = useOrganization();
  const cache = useQueryClient();
  const apps = useQuery(appsQuery(api)).data?.results ?? [];
  const members = useInfiniteQuery(membersQuery(api, org, "")).data?.pages.flatMap((page) => page.results) ?? [];
  const [revoking, setRevoking] = useState<Token | null>(null);
  const ownerOf = (token: Token): string => {
    if (token.user_id === me.user.id) return t("You");
    const member = members.find(({ user_id }) => user_id === token.user_id);
    return member === undefined ? t("User {id}", { id: String(token.user_id) }) : member.name || member.email;
  };
  const appOf = (token: Token): string => {
    if (token.app_id === null) return t("All apps");
    return apps.find(({ id }) => id === token.app_id)?.name ?? t("App {id}", { id: String(token.app_id) });
  };
  return (
    <>
      <Table aria-label={t("Tokens")}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{t("Name")}</Table.Th>
            <Table.Th scope="col" visibleFrom="sm">
              {t("Whose")}
            </Table.Th>
            <Table.Th scope="col" visibleFrom="sm">
              {t("May")}
            </Table.Th>
            <Table.Th scope="col" visibleFrom="sm">
              {t("App")}
            </Table.Th>
            <Table.Th scope="col">{t("Ends")}</Table.Th>
            <Table.Td />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {tokens.map((token) => (
            <Table.Tr key={token.id}>
              <Table.Td>
                <bdi className={classes.name}>{token.name || t("without a name")}</bdi>
                <Text size="sm" c="dimmed" className={classes.long}>
                  <Code>{token.hint}…</Code> {t("made")} <Time at={token.created_at} />
                </Text>
              </Table.Td>
              <Table.Td visibleFrom="sm">
                <bdi>{ownerOf(token)}</bdi>
              </Table.Td>
              <Table.Td visibleFrom="sm">{token.scopes.join(", ")}</Table.Td>
              <Table.Td visibleFrom="sm">
                <bdi>{appOf(token)}</bdi>
              </Table.Td>
              <Table.Td>
                <Ends token={token} now={now} />
              </Table.Td>
              <Table.Td ta="end">
                {endOf(token, now) === null && (
                  <Button
                    variant="default"
                    size="xs"
                    onClick={() => setRevoking(token)}
                    aria-label={t("Revoke {name}", { name: token.name || token.hint })}
                  >
                    {t("Revoke")}
                  </Button>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {revoking && (
        <ConfirmModal
          title={t("Revoke {name}?", { name: revoking.name || revoking.hint })}
          doLabel={t("Revoke")}
          onClose={() => setRevoking(null)}
          act={async () => {
            await revokeToken(api, revoking.id);
            await cache.invalidateQueries({ queryKey: ["tokens"] });
          }}
        >
          <Text>
            {t(
              "Every program that uses it stops working at once: its requests are answered 401. Runs that have begun go on, with a token of their own. It cannot be given back; make a new one instead.",
            )}
          </Text>
        </ConfirmModal>
      )}
    </>
  );
}

function Ends({ token, now }: { token: Token; now: number }) {
  const end = endOf(token, now);
  if (end !== null) {
    return (
      <Badge variant="outline" color="gray" tt="none">
        {end.state === "revoked" ? t("Revoked") : t("Expired")}
      </Badge>
    );
  }
  return token.expires_at === null ? t("never") : <Time at={token.expires_at} />;
}
