import { ActionIcon, Button, NativeSelect, Text } from "@mantine/core";
import IconPlus from "@tabler/icons-react/icons/IconPlus";
import IconX from "@tabler/icons-react/icons/IconX";
import { t } from "@/i18n";
import type { Presets } from "../model/permission";
import { firstValue, holdsIds, userVariable } from "../model/rule";
import classes from "./Permissions.module.css";
import type { Typed } from "./RuleEditor";
import { ValueInput } from "./ValueInput";

type Props = {
  legend: string;
  columns: readonly Typed[];
  presets: Presets;
  fault: string | undefined;
  onPresets: (presets: Presets) => void;
};

/** Edits the columns that the platform gives a value, such as the member's id. */
export function PresetList({ legend, columns, presets, fault, onPresets }: Props) {
  const typeOf = (name: string) => columns.find((column) => column.name === name)?.type ?? "text";
  const free = columns.filter(({ name, type }) => !(name in presets) && type !== "json");
  const beginning = free.find(({ type }) => holdsIds(type)) ?? free[0];
  const rename = (from: string, to: string) =>
    onPresets(
      Object.fromEntries(
        Object.entries(presets).map(([name, value]) => (name === from ? [to, firstOf(typeOf(to))] : [name, value])),
      ),
    );
  return (
    <fieldset className={classes.rule}>
      <legend>{legend}</legend>
      {Object.entries(presets).map(([name, value]) => (
        <div key={name} className={classes.preset}>
          <NativeSelect
            aria-label={t("Column that is given a value")}
            value={name}
            data={[name, ...free.map((column) => column.name)]}
            onChange={(event) => rename(name, event.currentTarget.value)}
          />
          <ValueInput
            type={typeOf(name)}
            operator="_eq"
            value={value}
            onValue={(next) => onPresets({ ...presets, [name]: next })}
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            size="input-sm"
            aria-label={t("Remove the preset of {name}", { name })}
            onClick={() => onPresets(Object.fromEntries(Object.entries(presets).filter(([other]) => other !== name)))}
          >
            <IconX size={16} aria-hidden />
          </ActionIcon>
        </div>
      ))}
      {beginning !== undefined && (
        <Button
          variant="default"
          size="compact-sm"
          w="fit-content"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => onPresets({ ...presets, [beginning.name]: firstOf(beginning.type) })}
        >
          {t("Preset a column")}
        </Button>
      )}
      {fault !== undefined && (
        <Text role="alert" size="sm" c="var(--am-error)">
          {fault}
        </Text>
      )}
    </fieldset>
  );
}

function firstOf(type: string): unknown {
  return holdsIds(type) ? userVariable : firstValue(type, "_eq");
}
