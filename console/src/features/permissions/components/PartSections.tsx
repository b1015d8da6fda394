import { Title } from "@mantine/core";
import { useId } from "react";
import { t } from "@/i18n";
import type { Part, Permission, Right } from "../model/permission";
import type { Edited } from "../model/use-draft";
import { ColumnChoice } from "./ColumnChoice";
import classes from "./Permissions.module.css";
import { PresetList } from "./PresetList";
import { RuleEditor, type Typed } from "./RuleEditor";

type Props = {
  edited: Edited;
  /** All columns, and those of the builder: only these are opened and closed. */
  columns: readonly Typed[];
  own: readonly Typed[];
  /** What the server refused, by the path of the part. */
  faults: ReadonlyMap<string, string>;
  onEdited: (edited: Edited) => void;
};

/** The four sections of what members may do; one that is not allowed has nothing to say. */
export function PartSections(props: Props) {
  const { permission } = props.edited;
  return (
    <>
      {permission.read.allowed && (
        <Section title={t("Read")}>
          <Rule {...props} path="read.rule" legend={t("Rows that members read")} whenEmpty={allRows()} />
          <Columns {...props} part="read" legend={t("Columns that members read")} />
        </Section>
      )}
      {permission.add.allowed && (
        <Section title={t("Add")}>
          <Rule {...props} path="add.rule" legend={t("What a new row must be")} whenEmpty={t("Anything.")} />
          <Columns {...props} part="add" legend={t("Columns that a new row has from them")} />
          <PresetsOf {...props} part="add" legend={t("Columns that are given a value")} />
        </Section>
      )}
      {permission.change.allowed && (
        <Section title={t("Change")}>
          <Rule
            {...props}
            path="change.rule"
            legend={t("Rows that members change, of those that they read")}
            whenEmpty={t("All that they read.")}
          />
          <Rule {...props} path="change.after" legend={t("What a changed row must be")} whenEmpty={t("Anything.")} />
          <Columns {...props} part="change" legend={t("Columns that members change")} />
          <PresetsOf {...props} part="change" legend={t("Columns that every change sets")} />
        </Section>
      )}
      {permission.delete.allowed && (
        <Section title={t("Delete")}>
          <Rule
            {...props}
            path="delete.rule"
            legend={t("Rows that members delete, of those that they read")}
            whenEmpty={t("All that they read.")}
          />
        </Section>
      )}
    </>
  );
}

function allRows(): string {
  return t("All rows of their organization.");
}

function Section({ title, children }: { title: string; children: React.ReactNode }) {
  const heading = useId();
  return (
    <section className={classes.section} aria-labelledby={heading}>
      <Title order={2} size="h4" id={heading}>
        {title}
      </Title>
      {children}
    </section>
  );
}

type Path = "read.rule" | "add.rule" | "change.rule" | "change.after" | "delete.rule";
type RuleProps = Props & { path: Path; legend: string; whenEmpty: string };

function Rule({ edited, columns, faults, onEdited, path, legend, whenEmpty }: RuleProps) {
  const { permission, unread } = edited;
  const others = Object.fromEntries(Object.entries(unread).filter(([other]) => other !== path));
  return (
    <RuleEditor
      legend={legend}
      whenEmpty={whenEmpty}
      rule={ruleAt(permission, path)}
      unread={unread[path]}
      columns={columns}
      fault={faults.get(path)}
      onRule={(rule) => onEdited({ permission: withRule(permission, path, rule), unread: others })}
      onUnread={(text) => onEdited({ permission, unread: { ...others, [path]: text } })}
    />
  );
}

function ruleAt(permission: Permission, path: Path) {
  if (path === "change.after") return permission.change.after;
  return permission[partOf(path)].rule;
}

function withRule(permission: Permission, path: Path, rule: Right["rule"]): Permission {
  if (path === "change.after") return { ...permission, change: { ...permission.change, after: rule } };
  const part = partOf(path);
  return { ...permission, [part]: { ...permission[part], rule } };
}

function partOf(path: Path): Part {
  if (path === "read.rule") return "read";
  if (path === "add.rule") return "add";
  return path === "delete.rule" ? "delete" : "change";
}

type PartProps = Props & { part: "read" | "add" | "change"; legend: string };

function Columns({ edited, own, faults, onEdited, part, legend }: PartProps) {
  const { permission } = edited;
  return (
    <ColumnChoice
      legend={legend}
      columns={own}
      chosen={permission[part].columns}
      fault={faults.get(`${part}.columns`)}
      onChosen={(columns) =>
        onEdited({ ...edited, permission: { ...permission, [part]: { ...permission[part], columns } } })
      }
    />
  );
}

function PresetsOf({ edited, own, faults, onEdited, part, legend }: PartProps) {
  const { permission } = edited;
  return (
    <PresetList
      legend={legend}
      columns={own}
      presets={permission[part].presets}
      fault={faults.get(`${part}.presets`)}
      onPresets={(presets) =>
        onEdited({ ...edited, permission: { ...permission, [part]: { ...permission[part], presets } } })
      }
    />
  );
}
