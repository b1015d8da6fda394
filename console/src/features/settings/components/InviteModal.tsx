import { Modal, NativeSelect, Radio, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { describeRole, missingEmail, nameOfRole, type Role, roles } from "@/features/accounts";
import { t } from "@/i18n";
import { Form, useSubmit } from "@/ui/Form";
import { ShownOnce } from "@/ui/ShownOnce";
import { invite, type NewInvitation } from "../api";

const days = [1, 3, 7, 14, 30] as const;

/** Makes an invitation, then shows its link once. */
export function InviteModal({ onClose }: { onClose: () => void }) {
  const [made, setMade] = useState<NewInvitation | null>(null);
  return (
    <Modal
      opened
      onClose={onClose}
      title={made === null ? t("Invite somebody") : t("The invitation is made")}
      size="lg"
      closeOnClickOutside={made === null}
    >
      {made === null ? <InviteForm onMade={setMade} /> : <Made invitation={made} onClose={onClose} />}
    </Modal>
  );
}

function InviteForm({ onMade }: { onMade: (invitation: NewInvitation) => void }) {
  const api = useApi();
  const org = useOrganization();
  const cache = useQueryClient();
  const form = useForm<{ email: string; role: Role; expires_in_days: string }>({
    mode: "uncontrolled",
    initialValues: { email: "", role: "member", expires_in_days: "7" },
    validate: { email: (email) => (email.trim() === "" ? null : missingEmail(email)) },
  });
  const inviting = useSubmit(
    form,
    ({ email, role, expires_in_days }) =>
      invite(api, org, { role, email: email.trim() || null, expires_in_days: Number(expires_in_days) }),
    async (made) => {
      onMade(made);
      await cache.invalidateQueries({ queryKey: ["invitations"] });
    },
  );
  return (
    <Form form={form} submitting={inviting} submitLabel={t("Make the invitation")}>
      <TextInput
        label={t("E-mail (optional)")}
        description={t("With an e-mail, only its owner can join. Without, whoever has the link.")}
        type="email"
        autoComplete="off"
        maxLength={254}
        data-autofocus
        key={form.key("email")}
        {...form.getInputProps("email")}
      />
      <Radio.Group label={t("Role")} key={form.key("role")} {...form.getInputProps("role")}>
        <Stack gap="xs" mt={4}>
          {roles.toReversed().map((role) => (
            <Radio
              key={role}
              value={role}
              label={nameOfRole(role)}
              description={t("May {rights}.", { rights: describeRole(role) })}
            />
          ))}
        </Stack>
      </Radio.Group>
      <NativeSelect
        label={t("Ends after")}
        maw="10rem"
        data={days.map((count) => ({
          value: String(count),
          label: t("{count, plural, one {# day} other {# days}}", { count }),
        }))}
        key={form.key("expires_in_days")}
        {...form.getInputProps("expires_in_days")}
      />
    </Form>
  );
}

function Made({ invitation, onClose }: { invitation: NewInvitation; onClose: () => void }) {
  return (
    <ShownOnce
      secret={invitation.url}
      label={t("Link of the invitation")}
      copyLabel={t("Copy the link")}
      onClose={onClose}
    >
      {invitation.email !== null && invitation.is_mailed
        ? t("A mail with a link of its own is on its way to {email}. This link does the same.", {
            email: invitation.email,
          })
        : t("Send this link to whom you invite: nothing is mailed.")}{" "}
      {t("It lets one person in, and is shown only now.")}
    </ShownOnce>
  );
}
