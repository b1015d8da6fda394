import {
  Avatar,
  Button,
  Group,
  Menu,
  Modal,
  Text,
  UnstyledButton,
  useMantineColorScheme,
  VisuallyHidden,
} from "@mantine/core";
import IconBook from "@tabler/icons-react/icons/IconBook";
import IconDeviceDesktop from "@tabler/icons-react/icons/IconDeviceDesktop";
import IconHeartbeat from "@tabler/icons-react/icons/IconHeartbeat";
import IconLogout from "@tabler/icons-react/icons/IconLogout";
import IconMoon from "@tabler/icons-react/icons/IconMoon";
import IconSun from "@tabler/icons-react/icons/IconSun";
import IconUser from "@tabler/icons-react/icons/IconUser";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useApi } from "@/api/context";
import { dropDrafts, findDrafts } from "@/api/drafts";
import { type Me, signOut } from "@/features/accounts";
import { t } from "@/i18n";
import classes from "./AccountMenu.module.css";

const schemes = [
  { value: "light", icon: IconSun, label: () => t("Light") },
  { value: "dark", icon: IconMoon, label: () => t("Dark") },
  { value: "auto", icon: IconDeviceDesktop, label: () => t("As the system") },
] as const;

/** Who is signed in, how the console looks, and the way out. */
export function AccountMenu({ me }: { me: Me }) {
  const api = useApi();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const user = String(me.user.id);
  const [drafts, setDrafts] = useState(0);
  const leaving = useMutation({
    mutationFn: async () => {
      await signOut(api);
      await dropDrafts(user);
    },
    // A new document: nothing of what was loaded stays in memory.
    onSuccess: () => window.location.assign("/sign-in"),
  });
  const ask = async () => {
    const { length } = await findDrafts(user);
    if (length === 0) leaving.mutate();
    else setDrafts(length);
  };
  const name = me.user.name || me.user.email;
  return (
    <>
      <Modal opened={drafts > 0} onClose={() => setDrafts(0)} title={t("Sign out?")}>
        <Text>
          {t(
            "{drafts, plural, one {One draft is} other {# drafts are}} not saved. Signing out discards what this browser keeps.",
            { drafts },
          )}
        </Text>
        <Group mt="md">
          <Button variant="default" data-autofocus onClick={() => setDrafts(0)}>
            {t("Stay")}
          </Button>
          <Button color="red" loading={leaving.isPending} onClick={() => leaving.mutate()}>
            {t("Sign out and discard")}
          </Button>
        </Group>
      </Modal>
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
          <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => void ask()}>
            {t("Sign out")}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  );
}
