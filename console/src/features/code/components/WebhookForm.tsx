import { Button, Modal, PasswordInput, Select, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useApi } from "@/api/context";
import { t } from "@/i18n";
import { Form, useSubmit } from "@/ui/Form";
import { type Action, createWebhook, type WebhookValues, webhookServicesQuery } from "../api";

type Props = { app: number; action: Action; onClose: () => void };

/** Creates a webhook: its name, who calls it, and the secret by which calls are known to be theirs. */
export function WebhookForm({ app, action, onClose }: Props) {
  const api = useApi();
  const cache = useQueryClient();
  const services = useQuery(webhookServicesQuery(api, app));
  const form = useForm<WebhookValues>({
    initialValues: { name: action.name, service: "", secret: "" },
    validate: { name: (name) => (name.trim() === "" ? t("Give the webhook a name.") : null) },
  });
  const submitting = useSubmit(
    form,
    (values: WebhookValues) => createWebhook(api, action, { ...values, name: values.name.trim() }),
    async () => {
      await Promise.all([
        cache.invalidateQueries({ queryKey: ["webhooks", app] }),
        cache.invalidateQueries({ queryKey: ["actions", app] }),
      ]);
      onClose();
    },
  );
  const service = form.getValues().service;
  return (
    <Modal opened onClose={onClose} title={t("New webhook")}>
      <Form
        form={form}
        submitting={submitting}
        submitLabel={t("Create webhook")}
        more={
          <Button variant="default" onClick={onClose}>
            {t("Cancel")}
          </Button>
        }
      >
        <TextInput
          label={t("Name")}
          description={t("For example New orders of the shop")}
          maxLength={150}
          data-autofocus
          {...form.getInputProps("name")}
        />
        <Select
          label={t("Who calls it")}
          description={t("How this service signs its calls is known: a call that it has not signed is refused.")}
          placeholder={t("Any service that knows the address")}
          searchable
          clearable
          data={services.data?.map(({ name }) => name) ?? []}
          error={services.error === null ? null : t("The services could not be read; close this and try again.")}
          value={service === "" ? null : service}
          onChange={(chosen) => form.setValues({ service: chosen ?? "", secret: "" })}
        />
        {service !== "" && (
          <PasswordInput
            label={t("Secret")}
            description={t("The signing secret or key that {service} shows where you enter the address.", { service })}
            autoComplete="off"
            maxLength={1000}
            {...form.getInputProps("secret")}
          />
        )}
      </Form>
    </Modal>
  );
}
