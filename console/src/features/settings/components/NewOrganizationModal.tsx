import { Button, Modal, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useApi } from "@/api/context";
import { createOrganization, missing } from "@/features/accounts";
import { t } from "@/i18n";
import { organizationReference } from "@/routing/references";
import { Form, useSubmit } from "@/ui/Form";

/** Makes an organization and goes there. */
export function NewOrganizationModal({ onClose }: { onClose: () => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { name: "" },
    validate: { name: (name) => missing(name, t("Give the organization a name.")) },
  });
  const creating = useSubmit(
    form,
    (values) => createOrganization(api, values),
    async (organization) => {
      onClose();
      await cache.invalidateQueries({ queryKey: ["organizations"] });
      await navigate({ to: "/$org", params: { org: organizationReference(organization) } });
    },
  );
  return (
    <Modal opened onClose={onClose} title={t("New organization")}>
      <Form
        form={form}
        submitting={creating}
        submitLabel={t("Create")}
        more={
          <Button variant="default" onClick={onClose}>
            {t("Cancel")}
          </Button>
        }
      >
        <TextInput
          label={t("Name")}
          description={t("It has its own apps and members. You become its owner.")}
          required
          withAsterisk={false}
          maxLength={150}
          data-autofocus
          key={form.key("name")}
          {...form.getInputProps("name")}
        />
      </Form>
    </Modal>
  );
}
