import { Badge, Button, Table, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useApi } from "@/api/context";
import { t } from "@/i18n";
import { ConfirmModal } from "@/ui/ConfirmModal";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows } from "@/ui/Page";
import { SettingsSection } from "@/ui/SettingsPage";
import { Time } from "@/ui/Time";
import { endOtherSignIns, endSignIn, type SignIn, signInsQuery } from "../api";
import { browserName } from "../model/browser";

/** The browsers in which one is signed in; each can be signed out from here. */
export function OwnSignIns() {
  const api = useApi();
  const cache = useQueryClient();
  const signIns = useQuery(signInsQuery(api));
  const [isAsking, setAsking] = useState(false);
  const refresh = () => cache.invalidateQueries({ queryKey: ["sign-ins"] });
  const ending = useMutation({ mutationFn: (id: string) => endSignIn(api, id), onSettled: refresh });
  const hasOthers = signIns.data?.some((signIn) => !signIn.is_current) ?? false;
  return (
    <SettingsSection
      title={t("Where you are signed in")}
      description={t("End what you do not know, then change your password.")}
      actions={
        hasOthers && (
          <Button variant="default" onClick={() => setAsking(true)}>
            {t("End all others")}
          </Button>
        )
      }
    >
      {signIns.isPending && <LoadingRows count={2} />}
      {signIns.error && <ErrorPanel error={signIns.error} onRetry={() => signIns.refetch()} />}
      {ending.error && <ErrorPanel error={ending.error} />}
      {signIns.data && (
        <Table aria-label={t("Where you are signed in")}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">{t("Browser")}</Table.Th>
              <Table.Th scope="col" visibleFrom="sm">
                {t("Address")}
              </Table.Th>
              <Table.Th scope="col" visibleFrom="sm">
                {t("Last used")}
              </Table.Th>
              <Table.Th scope="col">{t("Ends")}</Table.Th>
              <Table.Td />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {signIns.data.map((signIn) => (
              <SignInRow
                key={signIn.id}
                signIn={signIn}
                isEnding={ending.isPending && ending.variables === signIn.id}
                onEnd={() => ending.mutate(signIn.id)}
              />
            ))}
          </Table.Tbody>
        </Table>
      )}
      {isAsking && (
        <ConfirmModal
          title={t("Sign out everywhere else?")}
          doLabel={t("End all others")}
          onClose={() => setAsking(false)}
          act={async () => {
            await endOtherSignIns(api);
            await refresh();
          }}
        >
          <Text>{t("Every browser but this one has to sign in again. Tokens go on working.")}</Text>
        </ConfirmModal>
      )}
    </SettingsSection>
  );
}

function SignInRow({ signIn, isEnding, onEnd }: { signIn: SignIn; isEnding: boolean; onEnd: () => void }) {
  const name = browserName(signIn.user_agent);
  return (
    <Table.Tr>
      <Table.Td>
        {name}{" "}
        {signIn.is_current && (
          <Badge variant="outline" tt="none">
            {t("This browser")}
          </Badge>
        )}
      </Table.Td>
      <Table.Td visibleFrom="sm">{signIn.address || t("unknown")}</Table.Td>
      <Table.Td visibleFrom="sm">
        <Time at={signIn.last_used_at} />
      </Table.Td>
      <Table.Td>
        <Time at={signIn.expires_at} />
      </Table.Td>
      <Table.Td ta="end">
        {!signIn.is_current && (
          <Button
            variant="default"
            size="xs"
            loading={isEnding}
            onClick={onEnd}
            aria-label={t("End the sign-in of {browser}", { browser: name })}
          >
            {t("End")}
          </Button>
        )}
      </Table.Td>
    </Table.Tr>
  );
}
