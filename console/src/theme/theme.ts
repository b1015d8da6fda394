import { type CSSVariablesResolver, createTheme, type MantineColorsTuple, mergeThemeOverrides } from "@mantine/core";
import { t } from "@/i18n";
import { type ColorRole, colors, fontSizes, fonts, rowHeights, space } from "./tokens";

/** Returns our roles as CSS variables (`--am-text`, …) for light and dark, and gives them to Mantine's own. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {
    ...Object.fromEntries(space.map((pixels) => [`--am-space-${pixels}`, `${pixels / 16}rem`])),
    ...Object.fromEntries(fontSizes.map((pixels) => [`--am-font-${pixels}`, `${pixels / 16}rem`])),
    ...Object.fromEntries(Object.entries(rowHeights).map(([name, pixels]) => [`--am-row-${name}`, `${pixels}px`])),
    "--am-font-code": fonts.code,
  },
  light: roles(0),
  dark: roles(1),
});

function roles(scheme: 0 | 1): Record<string, string> {
  const value = (role: ColorRole): string => colors[role][scheme];
  return {
    ...Object.fromEntries(Object.entries(colors).map(([role, pair]) => [`--am-${kebab(role)}`, pair[scheme]])),
    "--mantine-color-body": value("canvas"),
    "--mantine-color-text": value("text"),
    "--mantine-color-dimmed": value("muted"),
    "--mantine-color-placeholder": value("muted"),
    "--mantine-color-anchor": value("link"),
    "--mantine-color-error": value("error"),
    "--mantine-color-default": value("canvas"),
    "--mantine-color-default-hover": value("hover"),
    "--mantine-color-default-border": value("control"),
    "--mantine-color-default-color": value("text"),
    "--mantine-primary-color-filled": value("accent"),
    "--mantine-primary-color-light-color": value("link"),
  };
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

const sizes = { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.25rem" };
const indigo: MantineColorsTuple = [
  "#edf2ff",
  "#dbe4ff",
  "#bac8ff",
  "#91a7ff",
  "#748ffc",
  "#5c7cfa",
  "#4c6ef5",
  "#4263eb",
  "#3b5bdb",
  "#364fc7",
];

/** Mantine's greys of the dark scheme, so that its own grounds and lines are ours. */
const dark: MantineColorsTuple = [
  colors.text[1],
  "#c3c8cf",
  colors.muted[1],
  colors.control[1],
  colors.line[1],
  colors.hover[1],
  colors.raised[1],
  colors.canvas[1],
  "#121418",
  "#0d0f12",
];

/** Builds Mantine's theme. It is made after the language is known, since labels are part of it. */
export function makeTheme() {
  return mergeThemeOverrides(
    createTheme({
      colors: { accent: indigo, dark },
      primaryColor: "accent",
      // Shade 5 of the dark scheme would fail AA with white text.
      primaryShade: { light: 7, dark: 8 },
      defaultRadius: "4px",
      fontFamily: fonts.text,
      fontFamilyMonospace: fonts.code,
      fontSizes: sizes,
      lineHeights: { xs: "1.4", sm: "1.43", md: "1.43", lg: "1.45", xl: "1.35" },
      spacing: { xs: "0.5rem", sm: "0.75rem", md: "1rem", lg: "1.5rem", xl: "2rem" },
      headings: { fontFamily: fonts.text, fontWeight: "600" },
      respectReducedMotion: true,
      focusRing: "auto",
      cursorType: "pointer",
    }),
    {
      components: {
        Input: { vars: () => ({ wrapper: { "--input-bd": "var(--am-control)" } }) },
        // Mantine's own shade of the colour fails AA on our canvas; icon and border say the kind.
        Alert: { styles: { title: { color: "var(--am-text)" } } },
        Button: { defaultProps: { size: "sm" } },
        TextInput: { defaultProps: { size: "sm" } },
        PasswordInput: { defaultProps: { size: "sm" } },
        Select: { defaultProps: { size: "sm", comboboxProps: { transitionProps: { duration: 0 } } } },
        Modal: { defaultProps: { centered: true, closeButtonProps: { "aria-label": t("Close") } } },
        Drawer: { defaultProps: { closeButtonProps: { "aria-label": t("Close") } } },
        Notification: { defaultProps: { closeButtonProps: { "aria-label": t("Close") } } },
        Menu: { defaultProps: { shadow: "md", withInitialFocusPlaceholder: false, transitionProps: { duration: 80 } } },
        Tooltip: {
          defaultProps: { openDelay: 400, withArrow: true, events: { hover: true, focus: true, touch: false } },
        },
      },
    },
  );
}
