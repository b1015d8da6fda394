import { Text } from "@mantine/core";
import { messageOf } from "@/api/errors";
import classes from "./FormError.module.css";

/** Says in place, and to a screen reader at once, why a form was refused. */
export function FormError({ error }: { error: unknown }) {
  return (
    <div role="alert" className={classes.place}>
      {error !== null && error !== undefined && (
        <Text size="sm" className={classes.message}>
          {messageOf(error)}
        </Text>
      )}
    </div>
  );
}
