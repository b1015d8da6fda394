import { Text } from "@mantine/core";
import type { ReactNode } from "react";

/** Says what is wrong with what stands beside it. */
export function Fault({ children }: { children: ReactNode }) {
  return (
    <Text size="sm" c="var(--am-error)" role="alert">
      {children}
    </Text>
  );
}
