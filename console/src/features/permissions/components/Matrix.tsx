import { Checkbox } from "@mantine/core";
import IconCheck from "@tabler/icons-react/icons/IconCheck";
import { nameOfRole } from "@/features/accounts";
import { t } from "@/i18n";
import { allow, type Part, type Permission, parts } from "../model/permission";
import classes from "./Permissions.module.css";

type Props = { permission: Permission; onPermission: (permission: Permission) => void };

/** Shows which role may do what. Owners and builders may always do everything: they change the table itself. */
export function Matrix({ permission, onPermission }: Props) {
  const verbs: Record<Part, string> = { read: t("Read"), add: t("Add"), change: t("Change"), delete: t("Delete") };
  return (
    <table className={classes.matrix} aria-label={t("What each role may do with rows")}>
      <thead>
        <tr>
          <th scope="col">{t("Role")}</th>
          {parts.map((part) => (
            <th key={part} scope="col">
              {verbs[part]}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {(["owner", "builder"] as const).map((role) => (
          <tr key={role}>
            <th scope="row">{nameOfRole(role)}</th>
            {parts.map((part) => (
              <td key={part}>
                <span className={classes.fixed}>
                  <IconCheck size={16} aria-hidden /> {t("always")}
                </span>
              </td>
            ))}
          </tr>
        ))}
        <tr>
          <th scope="row">{nameOfRole("member")}</th>
          {parts.map((part) => (
            <td key={part}>
              <Checkbox
                aria-label={t("Members: {verb}", { verb: verbs[part] })}
                checked={permission[part].allowed}
                onChange={({ currentTarget: { checked } }) => onPermission(allow(permission, part, checked))}
              />
            </td>
          ))}
        </tr>
      </tbody>
    </table>
  );
}
