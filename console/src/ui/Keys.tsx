import { Kbd } from "@mantine/core";
import { shownKeys } from "@/commands/keys";
import classes from "./Keys.module.css";

/** Shows the keys of a command. */
export function Keys({ keys }: { keys: string }) {
  return (
    <span className={classes.keys}>
      {shownKeys(keys).map((key, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the same key may come twice
        <Kbd key={index} size="xs">
          {key}
        </Kbd>
      ))}
    </span>
  );
}
