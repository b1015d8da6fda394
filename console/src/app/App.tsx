import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { RouterProvider } from "@tanstack/react-router";
import { useMemo } from "react";
import { ActingIn } from "@/api/context";
import { cssVariables, makeTheme } from "@/theme/theme";
import { router } from "./router";
import { NewVersion } from "./version/NewVersion";

/** The same key as `scheme.js` reads before the first paint. */
const colorScheme = localStorageColorSchemeManager({ key: "automio.color-scheme" });

/** The whole console. `nonce` allows the style elements that components write. */
export function App({ nonce }: { nonce: string }) {
  const theme = useMemo(makeTheme, []);
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      colorSchemeManager={colorScheme}
      cssVariablesResolver={cssVariables}
      getStyleNonce={() => nonce}
      deduplicateCssVariables={false}
    >
      <Notifications position="bottom-right" limit={4} />
      <NewVersion />
      <ActingIn organization={null}>
        <RouterProvider router={router} />
      </ActingIn>
    </MantineProvider>
  );
}
