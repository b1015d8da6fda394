import { Button, Checkbox, Group, Menu, Modal, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import IconCheck from "@tabler/icons-react/icons/IconCheck";
import IconChevronDown from "@tabler/icons-react/icons/IconChevronDown";
import IconUsers from "@tabler/icons-react/icons/IconUsers";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useApi } from "@/api/context";
import { ApiError } from "@/api/errors";
import { meQuery } from "@/features/accounts";
import { say, sayError } from "@/features/grid";
import { t } from "@/i18n";
import { ConfirmModal } from "@/ui/ConfirmModal";
import { Form, useSubmit } from "@/ui/Form";
import { changeView, createView, deleteView, type View, type ViewChange, viewsQuery } from "../api";

type ViewsMenuProps = {
  app: string;
  table: string;
  view: View | undefined;
  /** The rows stand otherwise than the view says. */
  isChanged: boolean;
  /** What is shown now, as a view stores it. */
  content: () => Record<string, unknown>;
  onOpen: (view: number | undefined) => void;
};

type Asking = "new" | "rename" | "delete" | null;

/** Opens saved views, saves what is shown as one, and shares it. */
export function ViewsMenu({ app, table, view, isChanged, content, onOpen }: ViewsMenuProps) {
  const api = useApi();
  const cache = useQueryClient();
  const views = useQuery(viewsQuery(api, app, table));
  const role = useQuery(meQuery(api)).data?.role;
  const [asking, setAsking] = useState<Asking>(null);
  const canShare = role === "owner" || role === "builder";
  const canChange = view !== undefined && (view.is_shared ? canShare : view.is_own);
  const again = () => cache.invalidateQueries({ queryKey: viewsQuery(api, app, table).queryKey });
  const change = async (changed: View, what: ViewChange) => {
    try {
      await changeView(api, app, table, changed, what);
      await again();
      onOpen(changed.id);
    } catch (error) {
      await again();
      if (error instanceof ApiError && error.code === "stale_version")
        say(t("Somebody changed this view meanwhile. Look at it, then save yours if you still want to."));
      else sayError(error);
    }
  };
  const title = view === undefined ? t("View: all rows") : t("View: {name}", { name: view.name });
  return (
    <>
      <Menu position="bottom-start" transitionProps={{ duration: 0 }}>
        <Menu.Target>
          <Button variant="default" rightSection={<IconChevronDown size={14} aria-hidden />}>
            {isChanged ? t("{title} (changed)", { title }) : title}
          </Button>
        </Menu.Target>
        <Menu.Dropdown mah={420} style={{ overflow: "auto" }}>
          <Menu.Item leftSection={mark(view === undefined)} onClick={() => onOpen(undefined)}>
            {t("All rows")}
          </Menu.Item>
          {(views.data ?? []).map((item) => (
            <Menu.Item
              key={item.id}
              leftSection={mark(item.id === view?.id)}
              rightSection={item.is_shared ? <IconUsers size={14} role="img" aria-label={t("shared")} /> : null}
              onClick={() => onOpen(item.id)}
            >
              <bdi>{item.name}</bdi>
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item onClick={() => setAsking("new")}>{t("Save as a new view …")}</Menu.Item>
          {view !== undefined && canChange && (
            <>
              <Menu.Item disabled={!isChanged} onClick={() => void change(view, { content: content() })}>
                {t("Save changes to this view")}
              </Menu.Item>
              <Menu.Item onClick={() => setAsking("rename")}>{t("Rename this view …")}</Menu.Item>
              {canShare && (
                <Menu.Item onClick={() => void change(view, { is_shared: !view.is_shared })}>
                  {view.is_shared ? t("Stop sharing this view") : t("Share this view with all members")}
                </Menu.Item>
              )}
              <Menu.Item onClick={() => setAsking("delete")}>{t("Delete this view …")}</Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      {asking === "new" && (
        <NameModal
          title={t("Save as a new view")}
          name=""
          canShare={canShare}
          save={(values) => createView(api, app, table, { ...values, content: content() })}
          onSaved={async (saved) => {
            await again();
            onOpen(saved.id);
          }}
          onClose={() => setAsking(null)}
        />
      )}
      {asking === "rename" && view !== undefined && (
        <NameModal
          title={t("Rename the view")}
          name={view.name}
          canShare={false}
          save={({ name }) => changeView(api, app, table, view, { name })}
          onSaved={again}
          onClose={() => setAsking(null)}
        />
      )}
      {asking === "delete" && view !== undefined && (
        <ConfirmModal
          title={t("Delete the view “{name}”?", { name: view.name })}
          doLabel={t("Delete")}
          act={async () => {
            await deleteView(api, app, table, view);
            await again();
            onOpen(undefined);
          }}
          onClose={() => setAsking(null)}
        >
          {view.is_shared ? t("It goes for all members. The rows stay as they are.") : t("The rows stay as they are.")}
        </ConfirmModal>
      )}
    </>
  );
}

function mark(isChosen: boolean) {
  return isChosen ? <IconCheck size={14} role="img" aria-label={t("open")} /> : <span />;
}

type Named = { name: string; is_shared: boolean };

function NameModal(props: {
  title: string;
  name: string;
  canShare: boolean;
  save: (values: Named) => Promise<View>;
  onSaved: (view: View) => Promise<void>;
  onClose: () => void;
}) {
  const form = useForm<Named>({
    mode: "uncontrolled",
    initialValues: { name: props.name, is_shared: false },
    validate: { name: (name) => (name.trim() === "" ? t("Give the view a name.") : null) },
  });
  const saving = useSubmit(form, props.save, async (view) => {
    await props.onSaved(view);
    props.onClose();
  });
  return (
    <Modal opened onClose={props.onClose} title={props.title}>
      <Form
        form={form}
        submitting={saving}
        submitLabel={t("Save")}
        more={
          <Button variant="default" onClick={props.onClose}>
            {t("Cancel")}
          </Button>
        }
      >
        <TextInput
          label={t("Name")}
          maxLength={100}
          data-autofocus
          key={form.key("name")}
          {...form.getInputProps("name")}
        />
        {props.canShare && (
          <Group>
            <Checkbox
              label={t("Share with all members")}
              key={form.key("is_shared")}
              {...form.getInputProps("is_shared", { type: "checkbox" })}
            />
          </Group>
        )}
      </Form>
    </Modal>
  );
}
