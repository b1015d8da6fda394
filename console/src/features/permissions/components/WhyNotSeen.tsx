import { Button, Modal, Stack, Text, TextInput } from "@mantine/core";
import IconCircleCheck from "@tabler/icons-react/icons/IconCircleCheck";
import IconCircleX from "@tabler/icons-react/icons/IconCircleX";
import IconHelpCircle from "@tabler/icons-react/icons/IconHelpCircle";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useOrganization } from "@/api/context";
import { viewedIn } from "@/api/viewing";
import { t } from "@/i18n";
import { FormError } from "@/ui/FormError";
import { readVisibility, type Visibility } from "../api";
import classes from "./Permissions.module.css";

type Props = { app: string; table: string };

/** Lets a builder who views as somebody else ask why they do not see a row; for everybody else it is not there. */
export function WhyNotSeen({ app, table }: Props) {
  const viewed = viewedIn(useOrganization());
  const [isOpen, setOpen] = useState(false);
  if (viewed === null) return null;
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconHelpCircle size={16} aria-hidden />}
        onClick={() => setOpen(true)}
        aria-haspopup="dialog"
      >
        {t("Why don’t I see a row?")}
      </Button>
      <Modal opened={isOpen} onClose={() => setOpen(false)} title={t("Why {name} sees a row or not", viewed)}>
        <Question app={app} table={table} target={viewed.target} />
      </Modal>
    </>
  );
}

function Question({ app, table, target }: Props & { target: string }) {
  const org = useOrganization();
  const [row, setRow] = useState("");
  const asking = useMutation({ mutationFn: () => readVisibility(org, app, table, row.trim(), target) });
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (row.trim() !== "") asking.mutate();
      }}
    >
      <Stack gap="sm">
        <TextInput
          label={t("Id of the row")}
          description={t("As you see it in the column id with your own role.")}
          value={row}
          spellCheck={false}
          data-autofocus
          maxLength={100}
          onChange={({ currentTarget: { value } }) => {
            setRow(value);
            asking.reset();
          }}
        />
        <FormError error={asking.error} />
        <Button type="submit" loading={asking.isPending} disabled={row.trim() === ""}>
          {t("Explain")}
        </Button>
        <div role="status">{asking.data !== undefined && <Answer visibility={asking.data} />}</div>
      </Stack>
    </form>
  );
}

function Answer({ visibility }: { visibility: Visibility }) {
  const { is_visible, reason, parts, hidden_columns } = visibility;
  return (
    <Stack gap="xs">
      <Text fw={600}>{is_visible ? t("The row is visible.") : t("The row is not visible.")}</Text>
      {parts.length === 0 ? (
        <Text size="sm">{reason}</Text>
      ) : (
        <ul className={classes.parts} aria-label={t("Parts of the rule")}>
          {parts.map((part) => (
            <li key={part.words} className={classes.part} data-met={part.is_met}>
              {part.is_met ? <IconCircleCheck size={18} aria-hidden /> : <IconCircleX size={18} aria-hidden />}
              <span>
                {part.is_met ? t("Met:") : t("Not met:")} <bdi>{part.words}</bdi>
              </span>
            </li>
          ))}
        </ul>
      )}
      {hidden_columns.length > 0 && (
        <Text size="sm">{t("Hidden columns: {columns}", { columns: hidden_columns.join(", ") })}</Text>
      )}
    </Stack>
  );
}
