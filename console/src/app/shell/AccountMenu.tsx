import { Avatar, Menu, UnstyledButton, useMantineColorScheme, VisuallyHidden } from "@mantine/core";
import IconBook from "@tabler/icons-react/icons/IconBook";
import IconDeviceDesktop from "@tabler/icons-react/icons/IconDeviceDesktop";
import IconHeartbeat from "@tabler/icons-react/icons/IconHeartbeat";
import IconLogout from "@tabler/icons-react/icons/IconLogout";
import IconMoon from "@tabler/icons-react/icons/IconMoon";
import IconSun from "@tabler/icons-react/icons/IconSun";
import IconUser from "@tabler/icons-react/icons/IconUser";
import { Link } from "@tanstack/react-router";
import { type Me, useSignOut } from "@/features/accounts";
import { t } from "@/i18n";
import classes from "./AccountMenu.module.css";

const schemes = [
  { value: "light", icon: IconSun, label: () => t("Light") },
  { value: "dark", icon: IconMoon, label: () => t("Dark") },
  { value: "auto", icon: IconDeviceDesktop, label: () => t("As the system") },
] as const;

/** Who is signed in, how the console looks, and the way out. */
export function AccountMenu({ me }: { me: Me }) {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const leaving = useSignOut(me.user.id);
  const name = me.user.name || me.user.email;
  return (
    <>
      {leaving.dialog}
      <Menu position="top-start" width={220} withinPortal={false}>
        <Menu.Target>
          <UnstyledButton className={classes.button}>
            <Avatar size={26} radius="xl" name={name} color="accent" aria-hidden />
            <VisuallyHidden>{t("Account of")}</VisuallyHidden>
            <bdi className={classes.name}>{name}</bdi>
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{me.user.email}</Menu.Label>
          <Menu.Item
            leftSection={<IconUser size={16} aria-hidden />}
            renderRoot={(props) => <Link to="/account" {...props} />}
          >
            {t("Your account")}
          </Menu.Item>
          {me.user.is_operator && (
            <Menu.Item
              leftSection={<IconHeartbeat size={16} aria-hidden />}
              renderRoot={(props) => <Link to="/admin/health" {...props} />}
            >
              {t("Health of the installation")}
            </Menu.Item>
          )}
          <Menu.Item component="a" href="/docs" target="_blank" leftSection={<IconBook size={16} aria-hidden />}>
            {t("HTTP API")}
          </Menu.Item>
          <Menu.Divider />
          <Menu.Label>{t("Colours")}</Menu.Label>
          {schemes.map(({ value, icon: Icon, label }) => (
            <Menu.Item
              key={value}
              leftSection={<Icon size={16} aria-hidden />}
              aria-current={colorScheme === value || undefined}
              onClick={() => setColorScheme(value)}
            >
              {label()}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => void leaving.begin()}>
            {t("Sign out")}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  );
}
